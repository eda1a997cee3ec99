import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { readAtMost } from "../lib/base/read-at-most.ts";
import { TABLES } from "../lib/telemetry/schema.ts";
import { type IntakeStatus, MOST_BODY_BYTES, SENDER_HEADER, Sender, takePath } from "../lib/telemetry/wire.ts";
import { answerTo } from "./decode/answer.ts";
import { BadRequest, readRequest } from "./decode/read-request.ts";
import { rowsOf } from "./rows/rows.ts";
import { Series } from "./store/series.ts";
import { Behind, type Store } from "./store/store.ts";

/** The most bytes of a body once it is no longer compressed. */
const MOST_PLAIN_BYTES = 16 * 1024 * 1024;
const BEHIND_SECONDS = 5;

const STATUS = { malformed: 400, "unknown-type": 415, "too-big": 413 } as const;

/** Makes the server that hears the helm: it takes bodies, writes what it has when asked to, and tells how it is. */
export function intakeServer(store: Store): Server {
  return createServer((request, response) => {
    answer(store, request, response).catch((error: unknown) => {
      if (error instanceof BadRequest) return reply(response, STATUS[error.reason], error.message);
      if (error instanceof Behind) return reply(response, 503, error.message, { "retry-after": String(BEHIND_SECONDS) });
      store.onError(error);
      reply(response, 503, "the intake of telemetry has failed", { "retry-after": String(BEHIND_SECONDS) });
    });
  });
}

async function answer(store: Store, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const table = TABLES.find((name) => request.url === takePath(name));
  if (table) return take(store, table, request, response);
  if (request.url === "/flush") await store.flush();
  const status: IntakeStatus = { pid: process.pid, rssBytes: process.memoryUsage.rss(), folders: await store.status() };
  reply(response, 200, status);
}

async function take(store: Store, table: (typeof TABLES)[number], request: IncomingMessage, response: ServerResponse) {
  const sender = Sender.parse(JSON.parse(decodeURIComponent(String(request.headers[SENDER_HEADER]))));
  const { folder } = sender;
  const contentType = request.headers["content-type"] ?? "";
  try {
    const body = await readAtMost(request, MOST_BODY_BYTES, "the body").catch(() => {
      throw new BadRequest("too-big", `the body has more than ${MOST_BODY_BYTES} bytes`);
    });
    const contentEncoding = request.headers["content-encoding"] ?? "";
    const { rows: all, tooMany } = await alone(async () => {
      const resources = await readRequest(body, { table, contentType, contentEncoding, mostBytes: MOST_PLAIN_BYTES });
      return rowsOf(table, resources, sender, Date.now());
    });
    const digest = createHash("sha256").update(`${folder}\0${sender.ship}\0${table}\0`).update(body).digest("base64");
    const rows = table === "metrics" ? series.admit(folder, all, Date.now()) : all;
    await store.take({ folder, table, rows, digest });
    if (rows.length < all.length) store.drop(folder, "too-many-series", all.length - rows.length);
    if (tooMany > 0) store.drop(folder, "too-many", tooMany);
    const { type, bytes } = answerTo(table, contentType, tooMany);
    response.writeHead(200, { "content-type": type, "content-length": bytes.length }).end(bytes);
  } catch (error) {
    if (error instanceof BadRequest) store.drop(folder, error.reason);
    throw error;
  }
}

const series = new Series();
let last: Promise<unknown> = Promise.resolve();
/** Decodes one body at a time: it takes the processor anyway, and the memory of one is bounded. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  const run = last.then(work);
  last = run.catch(() => {});
  return run;
}

function reply(response: ServerResponse, status: number, body: string | object, headers: Record<string, string> = {}): void {
  if (response.headersSent) return void response.destroy();
  const text = JSON.stringify(typeof body === "string" ? { code: status, message: body } : body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers });
  response.end(text);
}
