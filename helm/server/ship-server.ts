import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { plain } from "../../lib/base/text.ts";
import { HttpError } from "../http-error.ts";
import type { Life } from "../ledger/ledger.ts";
import { Refused } from "../ledger/refused.ts";
import type { Log } from "../log.ts";
import type { Intake } from "../telemetry/intake.ts";
import { CLAIM_HEADER, shipSender, tableOfShip } from "../telemetry/otlp.ts";
import type { Programs } from "../telemetry/programs.ts";
import { Turns } from "../voyage/turns.ts";
import type { Voyage } from "../voyage/voyage.ts";
import type { Voyages } from "../voyages.ts";
import { serveGit } from "./git-http.ts";
import { BadBody, readJson, sendError, sendJson } from "./http.ts";

/** The path of a call, before its name. */
const CALLS = "/v1/ship/";
const MOST_BYTES = 1024 * 1024;
const PING_MS = 10_000;
/**
 * How many calls one ship may have under way; a crew has a handful. Each may have a body of {@link MOST_BYTES} in
 * memory.
 */
const CALLS_AT_ONCE = new Turns<string>({ all: Number.POSITIVE_INFINITY, each: 32, waiting: 0 });
/**
 * How many presence streams one life may have; a crew has one, and may have left some behind that the network still
 * takes for open.
 */
const MOST_STREAMS = 8;

/** What takes telemetry: of ships, and of other programs of the captain's. */
type Telemetry = { intake: Intake; programs: Programs };

/**
 * Makes the server of the ship API (lib/protocol/ship-api.ts) and of git, for the ships of all voyages, and of
 * telemetry.
 */
export function shipServer(voyages: Voyages, log: Log, telemetry?: Telemetry): Server {
  const server = createServer((request, response) => {
    answer(voyages, log, telemetry, request, response).catch((error) => {
      const status = sendError(response, error);
      if (status >= 500 && status !== 503) log("ship-call-failed", { call: request.url?.split("?")[0], error: String(error) });
      if (response.headersSent && !response.writableEnded) response.destroy();
    });
  });
  // Packs of git may take long, and presence streams stay open: who serves them ends those that are quiet.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 30_000;
  return server;
}

async function answer(
  voyages: Voyages,
  log: Log,
  telemetry: Telemetry | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? "/";
  if (await telemetry?.programs.take(request, response)) return;
  if (!voyages.isReady) throw new HttpError(503, "starting", "the helm is starting or ending");
  const { voyage, folder, caller } = authenticate(voyages, request);

  const git = /^\/git\/([^/?]+)(\/.*)$/.exec(url);
  if (git) {
    if (git[1] !== voyage.id) throw new HttpError(403, "FORBIDDEN", "this token is for another voyage");
    if (caller.fenced) throw new HttpError(403, "FORBIDDEN", `${caller.ship} was fenced`);
    const { ship, life } = caller;
    return serveGit(request, response, {
      folder,
      ship,
      life: `${voyage.id}/${life}`,
      branch: voyage.context.branch.name,
      call: git[2]!,
    });
  }
  const table = tableOfShip(request);
  // A ship that was fenced has done, and cost, what it tells of.
  if (table && telemetry) {
    const sender = shipSender(voyage.id, folder, voyage.ledger, caller, request.headers[CLAIM_HEADER]);
    return telemetry.intake.take(table, sender, request, response);
  }
  const call = request.method === "POST" && url.startsWith(CALLS) ? voyage.calls.named(url.slice(CALLS.length)) : undefined;
  if (caller.fenced && !call?.alsoFenced)
    throw new Refused("fenced", `${caller.ship} (${caller.incarnation}) was fenced: ${caller.reason}`);
  if (request.method === "GET" && url === "/v1/ship/presence") return presence(voyage, caller, response);
  if (!call) throw new HttpError(404, "NOT_FOUND", `${request.method} ${url.split("?")[0]} is no call of the ship API`);
  const reply = await CALLS_AT_ONCE.run(`${voyage.id}/${caller.life}`, async () =>
    voyage.calls.answer(call.name, caller, (await readJson(request, call.schema, MOST_BYTES)) as never),
  ).catch((error: unknown) => {
    if (error instanceof HttpError && (error.status === 400 || error.status === 413)) tellOf(call.name, error);
    throw error;
  });
  sendJson(response, 200, reply);

  /** Names to the captain a ship that sends what no crew sends, by call and field. */
  function tellOf(name: string, error: HttpError): void {
    const fields = error instanceof BadBody ? error.fields.join(", ") : error.message;
    const words = `${name}: ${plain(fields, { most: 200 })}`;
    if (voyage.context.liveness.refuse(caller.life, words))
      log("ship-call-refused", { voyage: voyage.id, ship: caller.ship, call: words });
  }
}

/**
 * Finds whose token a request has: its first part names the voyage, and its hash, in the ledger of that voyage, the
 * life.
 * @throws HttpError 401
 */
function authenticate(voyages: Voyages, request: IncomingMessage): { voyage: Voyage; folder: VoyageFolder; caller: Life } {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const known = voyages.get(token.split(".")[0] ?? "");
  const caller = known?.voyage.ledger.lifeOfToken(token);
  if (!known || !caller) throw new HttpError(401, "unauthorized", "this token is not known");
  return { voyage: known.voyage, folder: known.folder, caller };
}

/** The open presence streams of each life, the oldest first. */
const STREAMS = new Map<string, Set<ServerResponse>>();

function presence(voyage: Voyage, caller: Life, response: ServerResponse): void {
  const who = `${voyage.id}/${caller.life}`;
  const open = STREAMS.get(who) ?? new Set();
  const say = (line: object) => void response.write(`${JSON.stringify(line)}\n`);
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  say({ type: "ping" });
  const close = voyage.calls.present(caller, say);
  const ping = setInterval(() => say({ type: "ping" }), PING_MS);
  STREAMS.set(who, open.add(response));
  response.once("close", () => {
    clearInterval(ping);
    close();
    open.delete(response);
    if (open.size === 0) STREAMS.delete(who);
  });
  if (open.size > MOST_STREAMS) [...open][0]!.destroy();
}
