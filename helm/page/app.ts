import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import type { z } from "zod";
import { checkInput, formatProblems } from "../../lib/base/check-input.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { ActionReply, EventsReply, LogsReply, PageSession, PageView, PageVoyage } from "../../lib/watch/page-api.ts";
import { HttpError } from "../http-error.ts";
import type { Log } from "../log.ts";
import { answerTo, readJson } from "../server/http.ts";
import { type Admission, actionToken, SESSION_MS } from "./admission.ts";
import { Action, EventsAsk, LogsAsk } from "./asks.ts";
import type { Asset } from "./assets.ts";
import { checkOrder, sessionOf } from "./guard.ts";
import type { Streams } from "./streams.ts";

/** The most that an order may have: an answer of the longest kind, with every character escaped. */
const MOST_BYTES = 128 * 1024;

/** What the page's calls are answered from. */
export type PageParts = {
  admission: Admission;
  cookieName: string;
  /** The bundled page, and what tells it from another. */
  page: () => { files: ReadonlyMap<string, Asset>; digest: string };
  startedAt: string;
  streams: Streams;
  voyages(): Promise<PageVoyage[]>;
  view(id: string): Promise<PageView>;
  events(id: string, ask: z.infer<typeof EventsAsk>): Promise<EventsReply>;
  logs(id: string, ask: z.infer<typeof LogsAsk>): Promise<LogsReply>;
  order(id: string, action: z.infer<typeof Action>): Promise<ActionReply>;
  /** Is called when somebody who was let in asks for something. */
  onSeen(): void;
  /** Is called when a browser was let in. */
  onEntered(): void;
  log: Log;
};

type Env = { Bindings: HttpBindings; Variables: { session: string } };

/**
 * Answers what the page asks, as lib/watch/page-api.ts has it. Host and headers are its server's (helm/page/server.ts).
 */
export function pageApp(parts: PageParts): Hono<Env> {
  const { admission, cookieName } = parts;
  const app = new Hono<Env>();

  app.get("/enter", async (c) => {
    // A program that only looks whether an address is there must not use it up.
    const cookie = c.req.method === "GET" ? await admission.enter(c.req.query("token") ?? "") : null;
    if (!cookie)
      throw new HttpError(403, "USED_UP", "this address was used, or is older than ten minutes; a new one: ocaptain dashboard");
    parts.onEntered();
    const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1000}`;
    return c.body(null, 303, { location: "/", "set-cookie": `${cookieName}=${cookie}; ${attributes}` });
  });

  app.use("/api/*", async (c, next) => {
    c.set("session", sessionOf(c.env.incoming, cookieName, admission));
    parts.onSeen();
    if (c.req.method !== "GET" && c.req.method !== "HEAD") checkOrder(c.env.incoming, c.get("session"));
    await next();
  });
  app.get("/api/session", (c) => {
    const { digest: build } = parts.page();
    return c.json({ token: actionToken(c.get("session")), build, startedAt: parts.startedAt } satisfies PageSession);
  });
  app.get("/api/stream", (c) => {
    parts.streams.open(c.env.outgoing, (c.req.query("voyages") ?? "").split(",").filter(Boolean));
    return RESPONSE_ALREADY_SENT;
  });
  app.get("/api/voyages", async (c) => c.json({ voyages: await parts.voyages() }));
  app.get("/api/voyages/:id", async (c) => c.json(await parts.view(c.req.param("id"))));
  app.get("/api/voyages/:id/events", async (c) => c.json(await parts.events(c.req.param("id"), asked(c, EventsAsk))));
  app.get("/api/voyages/:id/logs", async (c) => c.json(await parts.logs(c.req.param("id"), asked(c, LogsAsk))));
  app.post("/api/voyages/:id/actions", async (c) => {
    const action = await readJson(c.env.incoming, Action, MOST_BYTES);
    const id = c.req.param("id");
    const reply = await parts.order(id, action);
    parts.log("page-order", { voyage: id, action: action.action });
    return c.json(reply);
  });

  app.get("*", (c) => {
    const file = parts.page().files.get(c.req.path);
    if (!file) throw new HttpError(404, "NOT_FOUND", "the page has no such address");
    const zips = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
    return c.body(new Uint8Array(zips ? file.zipped : file.plain), 200, {
      "content-type": file.type,
      ...(zips && { "content-encoding": "gzip", vary: "accept-encoding" }),
    });
  });
  app.notFound(() => {
    throw new HttpError(404, "NOT_FOUND", "the page has no such address");
  });
  app.onError((error, c) => {
    const [found, body] = answerTo(error);
    // An order that cannot be done, as things are, is no failure of the helm's.
    const status = found !== 404 && error instanceof OcaptainError ? 409 : found;
    if (status >= 500) parts.log("page-call-failed", { call: `${c.req.method} ${c.req.path}`, error: String(error) });
    return c.json(body, status as 400);
  });
  return app;
}

/** @throws HttpError 400 for what the call does not take */
function asked<T extends z.ZodType>(c: Context<Env>, schema: T): z.infer<T> {
  const checked = checkInput(schema, c.req.query(), { quotes: false });
  if ("problems" in checked)
    throw new HttpError(400, "bad-request", `the call does not fit: ${formatProblems(checked.problems)}`);
  return checked.data;
}
