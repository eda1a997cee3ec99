import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { TooManyRun } from "../sprites/account.ts";
import { pause } from "../sprites/clock.ts";
import type { HarborShips } from "../sprites/harbor-ships.ts";
import { adminCall } from "./admin-routes.ts";
import type { ApiCall } from "./call.ts";
import { attachOverSocket, runOverSocket } from "./exec-socket.ts";
import { type Fault, Faults } from "./faults.ts";
import { tooManyCreated, tooManyRun, tooManyRunBody } from "./limit-replies.ts";
import { proxyOverSocket } from "./proxy-socket.ts";
import { commandOf } from "./query-values.ts";
import { decode, reply, replyJson } from "./replies.ts";
import { openRequestLog } from "./request-log.ts";
import { type Route, routeOf } from "./routes.ts";
import { notFound } from "./sprite-routes.ts";

/** Longest URL; longer ones are refused with 414, as at the vendor. */
const MAX_URL_BYTES = 64 * 1024;
const CLOSE_TIMEOUT_MS = 500;
const unauthorized = { error: "authentication failed" };
const unavailable = "service temporarily unavailable, please retry";

export type HarborServer = { url: string; close(): Promise<void> };

/** Serves the ships of a harbor on 127.0.0.1 at a free port. `shutdown` is called when `--stop` asks for the end. */
export async function serveShips(ships: HarborShips, token: string, shutdown: () => void): Promise<HarborServer> {
  const faults = new Faults();
  const log = openRequestLog(ships.settings.home);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 * 1024, perMessageDeflate: false });
  // Headers may be larger than the longest URL, so that 414 is ours to answer. No time limit: execs are long and ships
  // wake slowly.
  const server = createServer({ maxHeaderSize: 1024 * 1024, requestTimeout: 0, keepAliveTimeout: 30_000 });

  server.on("request", async (request: IncomingMessage, response: ServerResponse) => {
    const startMs = performance.now();
    const path = pathOf(request);
    response.once("close", () => logLine(request, path, response.statusCode, startMs));
    try {
      await answer(request, response, path);
    } catch (error) {
      if (error instanceof TooManyRun && !response.headersSent) return tooManyRun(response, ships.settings.account.limits);
      // The caller sees a plain 5xx, as at the vendor; the harbor's own output says why.
      ships.settings.event(`${request.method} ${path}: ${(error as Error).message}`);
      if (!response.headersSent) replyJson(response, 503, { error: (error as Error).message });
      else response.destroy();
    }
  });

  async function answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if ((request.url ?? "").length > MAX_URL_BYTES) return reply(response, 414, "URI too long");
    if (!authorized(request, token)) return replyJson(response, 401, unauthorized);
    const call: ApiCall = { request, response, ships, query: queryOf(request), fault: undefined };
    if (path.startsWith("/__harbor/")) return adminCall(call, path, faults, shutdown);
    const route = routeOf(request.method ?? "", path);
    if (!route) return replyJson(response, 501, { error: `the harbor does not serve ${request.method} ${path}` });
    const asleep = route.name !== undefined && ships.get(route.name)?.status !== "running";
    const changes = request.method === "PUT" || request.method === "POST";
    call.fault = faults.take(route.kind, route.name, (kind) => {
      if (kind === "hangs-asleep") return asleep;
      return (kind !== "error-line" && kind !== "endless") || changes;
    });
    if (call.fault?.kind === "slow") await pause(ships.settings.clock, call.fault.ms);
    else if (call.fault?.kind === "fails-but-happens") return unheard(call, route);
    else if (call.fault && actOut(call.fault, response)) return;
    await route.serve(call);
  }

  /** Does the call's work, and answers as if something on the way had failed. */
  async function unheard(call: ApiCall, route: Route): Promise<void> {
    await route.serve({ ...call, fault: undefined, response: new ServerResponse(call.request) });
    badGateway(call.response);
  }

  /** Answers as the fault says; false when the route itself acts it out. */
  function actOut(fault: Fault, response: ServerResponse): boolean {
    const { limits } = ships.settings.account;
    if (fault.kind === "rate-limit") tooManyCreated(response, limits, fault.retryAfterSeconds);
    else if (fault.kind === "concurrent-limit") tooManyRun(response, limits);
    else if (fault.kind === "false-404") replyJson(response, 404, notFound);
    else if (fault.kind === "unavailable") reply(response, 503, unavailable);
    else if (fault.kind === "bad-gateway") badGateway(response);
    else if (fault.kind === "error-line") reply(response, 200, ERROR_LINE, { "content-type": "application/x-ndjson" });
    else if (fault.kind !== "hang" && fault.kind !== "hangs-asleep") return false;
    return true;
  }

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const startMs = performance.now();
    const path = pathOf(request);
    socket.on("error", () => socket.destroy());
    upgrade(request, socket, head, path)
      .catch((error: Error) =>
        error instanceof TooManyRun
          ? refuse(socket, 429, tooManyRunBody(ships.settings.account.limits))
          : refuse(socket, 503, { error: error.message }),
      )
      .then((status) => logLine(request, path, status, startMs));
  });

  /**
   * Opens the socket of an exec or a proxy, or refuses.
   * @returns the status answered; 101 when the socket was opened
   */
  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): Promise<number> {
    const { settings } = ships;
    if ((request.url ?? "").length > MAX_URL_BYTES) return refuse(socket, 414, { error: "URI too long" });
    if (!authorized(request, token)) return refuse(socket, 401, unauthorized);
    const [, name, proxy, inPath] = /^\/v1\/sprites\/([^/]+)\/(?:(proxy)|exec(?:\/([^/]+))?)$/.exec(path) ?? [];
    if (!name) return refuse(socket, 501, { error: `the harbor does not serve a socket at ${path}` });
    const ship = ships.get(decode(name) ?? "");
    if (!ship) return refuse(socket, 404, notFound);
    const query = queryOf(request);
    const fault = faults.take(proxy ? "proxy" : "socket", ship.record.name);
    if (fault?.kind === "unavailable") return refuse(socket, 503, { error: unavailable });
    if (fault?.kind === "hang") return 0;
    if (fault?.kind === "slow") await pause(settings.clock, fault.ms);
    const sessionId = inPath === undefined ? undefined : (decode(inPath) ?? "");
    const command = commandOf(query);
    if (sessionId === undefined && !command && !proxy) return refuse(socket, 400, { error: "cmd is required" });
    const release = ship.keepAwake();
    try {
      const vm = await ship.wake();
      const session = sessionId === undefined ? undefined : ship.sessions.get(sessionId);
      if (sessionId !== undefined && !session) {
        release();
        return refuse(socket, 404, { error: "session not found" });
      }
      if (socket.destroyed) release();
      sockets.handleUpgrade(request, socket, head, (opened) => {
        opened.once("close", release);
        if (proxy && fault?.kind === "drop") opened.once("message", () => opened.terminate());
        if (proxy) return proxyOverSocket(opened, ship, vm, settings.clock.now(), release);
        if (session) return attachOverSocket(opened, session, settings, release);
        const maxRunAfterDisconnect = query.get("max_run_after_disconnect");
        void runOverSocket(opened, ship, vm, command!, { settings, maxRunAfterDisconnect, fault, release });
      });
      return 101;
    } catch (error) {
      release();
      throw error;
    }
  }

  function logLine(request: IncomingMessage, path: string, status: number, startMs: number): void {
    if (path.startsWith("/__harbor/")) return;
    const method = request.headers.upgrade ? "WS" : (request.method ?? "");
    log.write({ at: new Date().toISOString(), method, path, status, ms: Math.round(performance.now() - startMs) });
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets.clients) {
        socket.close(1001, "the harbor ends");
        setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS).unref();
      }
      await Promise.all([...sockets.clients].map((socket) => once(socket, "close")));
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      await log.close();
    },
  };
}

const badGateway = (response: ServerResponse) =>
  reply(response, 502, "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>", {
    "content-type": "text/html",
  });
const ERROR_LINE = `${JSON.stringify({ type: "error", data: "failed to start process: resource temporarily unavailable" })}\n`;

const pathOf = (request: IncomingMessage) => (request.url ?? "/").split("?", 1)[0]!;

function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? "/";
  return new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?") + 1) : "");
}

function authorized(request: IncomingMessage, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ""), digest(`Bearer ${token}`));
}

function refuse(socket: Duplex, status: number, body: unknown): number {
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n`;
  socket.end(head + text);
  return status;
}
