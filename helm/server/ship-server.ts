import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ZodError } from "zod";
import { plain } from "../../lib/base/text.ts";
import {
  AcceptRequest,
  AskRequest,
  ClaimRequest,
  Heartbeat,
  Hello,
  LimitedRequest,
  ReleaseRequest,
  SessionRequest,
  type ShipApi,
  type ShipCall,
  TrialRequest,
  UnverifiedRequest,
  UsageRequest,
  VerifiedRequest,
} from "../../lib/protocol/ship-api.ts";
import type { Life } from "../ledger/ledger.ts";
import { Refused } from "../ledger/refused.ts";
import type { Log } from "../log.ts";
import { Turns } from "../voyage/turns.ts";
import type { Voyage } from "../voyage/voyage.ts";
import type { Fleet } from "../voyages.ts";
import { serveGit } from "./git-http.ts";
import { HttpError, readJson, sendError, sendJson } from "./http.ts";

const MOST_BYTES = 1024 * 1024;
const PING_MS = 10_000;
/** Of one ship: a crew has a handful under way. Each may have a body of {@link MOST_BYTES} in memory. */
const CALLS_AT_ONCE = new Turns<string>({ all: Number.POSITIVE_INFINITY, each: 32, waiting: 0 });
/** Of one ship: a crew has one, and may have left some behind that the network does not know of yet. */
const MOST_STREAMS = 8;

type Call<Name extends ShipCall> = (voyage: Voyage, caller: Life, request: IncomingMessage) => Promise<ShipApi[Name]["reply"]>;
const CALLS: { [Name in ShipCall]: Call<Name> } = {
  hello: async (voyage, caller, request) => voyage.calls.hello(caller, await readJson(request, Hello, MOST_BYTES)),
  claim: async (voyage, caller, request) => voyage.calls.claim(caller, await readJson(request, ClaimRequest, MOST_BYTES)),
  heartbeat: async (voyage, caller, request) => voyage.calls.heartbeat(caller, await readJson(request, Heartbeat, MOST_BYTES)),
  accept: async (voyage, caller, request) => voyage.calls.accept(caller, await readJson(request, AcceptRequest, MOST_BYTES)),
  release: async (voyage, caller, request) => voyage.calls.release(caller, await readJson(request, ReleaseRequest, MOST_BYTES)),
  ask: async (voyage, caller, request) => voyage.calls.ask(caller, await readJson(request, AskRequest, MOST_BYTES)),
  session: async (voyage, caller, request) => voyage.calls.session(caller, await readJson(request, SessionRequest, MOST_BYTES)),
  usage: async (voyage, caller, request) => voyage.calls.usage(caller, await readJson(request, UsageRequest, MOST_BYTES)),
  trial: async (voyage, caller, request) => voyage.calls.trial(caller, await readJson(request, TrialRequest, MOST_BYTES)),
  limited: async (voyage, caller, request) => voyage.calls.limited(caller, await readJson(request, LimitedRequest, MOST_BYTES)),
  verified: async (voyage, caller, request) =>
    voyage.calls.verified(caller, await readJson(request, VerifiedRequest, MOST_BYTES)),
  unverified: async (voyage, caller, request) =>
    voyage.calls.unverified(caller, await readJson(request, UnverifiedRequest, MOST_BYTES)),
};

/** The ship API (lib/protocol/ship-api.ts) and git, for the ships of all voyages. */
export function shipServer(fleet: Fleet, log: Log): Server {
  const server = createServer((request, response) => {
    answer(fleet, log, request, response).catch((error) => {
      const status = sendError(response, error);
      if (status >= 500 && status !== 503) log("ship-call-failed", { call: request.url?.split("?")[0], error: String(error) });
      if (response.headersSent && !response.writableEnded) response.destroy();
    });
  });
  // Packs of any size and presence streams: what is quiet is ended by those who serve it.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 30_000;
  return server;
}

async function answer(fleet: Fleet, log: Log, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? "/";
  if (!fleet.open) throw new HttpError(503, "starting", "the helm is starting or ending");
  const { voyage, folder, caller } = authenticate(fleet, request);

  const git = /^\/git\/([^/?]+)(\/.*)$/.exec(url);
  if (git) {
    if (git[1] !== voyage.id) throw new HttpError(403, "FORBIDDEN", "this token is for another voyage");
    if (caller.fenced) throw new HttpError(403, "FORBIDDEN", `${caller.ship} was fenced`);
    const { ship, life } = caller;
    return serveGit(request, response, { folder, ship, life: `${voyage.id}/${life}`, branch: voyage.branch, call: git[2]! });
  }
  // What a fenced ship has spent counts all the same.
  if (caller.fenced && url !== "/v1/ship/usage")
    throw new Refused("fenced", `${caller.ship} (${caller.incarnation}) was fenced: ${caller.reason}`);
  if (request.method === "GET" && url === "/v1/ship/presence") return presence(voyage, caller, response);
  const name = request.method === "POST" && url.startsWith("/v1/ship/") ? url.slice("/v1/ship/".length) : "";
  const call = Object.hasOwn(CALLS, name) ? (CALLS[name as ShipCall] as Call<ShipCall>) : undefined;
  if (!call) throw new HttpError(404, "NOT_FOUND", `${request.method} ${url.split("?")[0]} is no call of the ship API`);
  const reply = await CALLS_AT_ONCE.run(`${voyage.id}/${caller.life}`, async () => call(voyage, caller, request)).catch(
    (error: unknown) => {
      if (error instanceof ZodError || (error instanceof HttpError && (error.status === 400 || error.status === 413)))
        tellOf(error);
      throw error;
    },
  );
  sendJson(response, 200, reply);

  /** Who sends what no crew sends is named to the captain, by call and field. */
  function tellOf(error: ZodError | HttpError): void {
    const fields =
      error instanceof ZodError ? [...new Set(error.issues.map(({ path }) => path.join(".")))].join(", ") : error.message;
    const words = `${name}: ${plain(fields, { most: 200 })}`;
    if (voyage.sightings.refuse(caller.life, words))
      log("ship-call-refused", { voyage: voyage.id, ship: caller.ship, call: words });
  }
}

/** The token's first part names the voyage; its hash, in that voyage's ledger, the ship. */
function authenticate(fleet: Fleet, request: IncomingMessage): { voyage: Voyage; folder: Fleet["folderType"]; caller: Life } {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const known = fleet.get(token.split(".")[0] ?? "");
  const caller = known?.voyage.ledger.lifeOfToken(token);
  if (!known || !caller) throw new HttpError(401, "unauthorized", "this token is not known");
  return { voyage: known.voyage, folder: known.folder, caller };
}

/** Open ones of each life, oldest first. */
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
