import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { z } from "zod";
import { shown } from "../../lib/base/check-input.ts";
import {
  BudgetBody,
  FollowUp,
  type Health,
  IncarnationBody,
  NoticeTestBody,
  OffDutyBody,
  OpenPage,
  type PageAt,
  PauseBody,
  Plan,
  RegisterVoyage,
} from "../../lib/protocol/admin-api.ts";
import { EVENTS, MOST_EVENTS } from "../../lib/protocol/events.ts";
import { AskProbe } from "../../lib/protocol/probes.ts";
import { StartTelemetry } from "../../lib/telemetry/wire.ts";
import { HttpError } from "../http-error.ts";
import type { Log } from "../log.ts";
import type { Intake } from "../telemetry/intake.ts";
import type { Programs } from "../telemetry/programs.ts";
import type { Voyage } from "../voyage/voyage.ts";
import type { Voyages } from "../voyages.ts";
import { readJson, sendError, sendJson } from "./http.ts";

const MOST_BYTES = 64 * 1024 * 1024;
const LONGEST_WAIT_SECONDS = 600;

type Ask = { request: IncomingMessage; query: URLSearchParams; id: string; name: string };
type Answer = { status?: number; body: unknown };
type Route = { method: string; path: RegExp; run: (ask: Ask) => Promise<Answer> };

/** `page` and `end` belong to the helm itself: its page, and what ends it, after the answer is out. */
type Parts = {
  voyages: Voyages;
  log: Log;
  health: () => Health;
  page: { open(ask: OpenPage): Promise<PageAt>; stop(): Promise<void>; isNeeded(): boolean };
  end: (why: string) => void;
  telemetry: { intake: Intake; programs: Programs };
};

/** Makes the server of the admin API (lib/protocol/admin-api.ts). */
export function adminServer(parts: Parts): Server {
  const { log } = parts;
  const routes = routesOf(parts);
  return createServer((request, response) => {
    answer(routes, request, response).catch((error) => {
      const status = sendError(response, error);
      if (status >= 500)
        log("admin-call-failed", { call: `${request.method} ${request.url?.split("?")[0]}`, error: String(error) });
    });
  });
}

async function answer(routes: Route[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://helm");
  for (const { method, path, run } of routes) {
    const match = path.exec(url.pathname);
    if (!match || method !== request.method) continue;
    const [id = "", name = ""] = match.slice(1).map(decodeURIComponent);
    const { status = 200, body } = await run({ request, query: url.searchParams, id, name });
    return sendJson(response, status, body);
  }
  throw new HttpError(404, "NOT_FOUND", `${request.method} ${url.pathname} is no call of the admin API`);
}

function routesOf({ voyages, health, page, end, telemetry: { intake, programs } }: Parts): Route[] {
  const route = (method: string, path: string, run: Route["run"]): Route => ({
    method,
    path: new RegExp(`^${path.replaceAll(/:\w+/g, "([^/]+)")}$`),
    run,
  });
  const endIfIdle = () => {
    if (voyages.ids().length === 0 && programs.state === null && !page.isNeeded()) setImmediate(end, "no voyage is left");
  };
  const voyageOf = (ask: Ask): Voyage => voyages.need(ask.id).voyage;
  const ship = "/voyages/:id/ships/:ship";
  const task = "/voyages/:id/tasks/:task";
  const probe = "/voyages/:id/probes/:probe";
  return [
    route("GET", "/health", async () => ({ body: health() })),
    route("POST", "/shutdown", async () => {
      setImmediate(end, "asked to");
      return { body: {} };
    }),
    route("POST", "/page", async (ask) => ({ body: await page.open(await readJson(ask.request, OpenPage, MOST_BYTES)) })),
    route("DELETE", "/page", async () => {
      await page.stop();
      endIfIdle();
      return { body: {} };
    }),
    route("PUT", "/voyages/:id", async (ask) => ({
      body: await voyages.register(ask.id, await readJson(ask.request, RegisterVoyage, MOST_BYTES)),
    })),
    route("GET", "/voyages/:id", async (ask) => {
      await voyageOf(ask)
        .readTip()
        .catch(() => {}); // The status tells of it.
      return { body: voyageOf(ask).status() };
    }),
    route("GET", "/voyages/:id/events", async (ask) => {
      const [after, limit] = [countOf(ask, "after", 0, Number.MAX_SAFE_INTEGER), countOf(ask, "limit", EVENTS, MOST_EVENTS)];
      return { body: voyageOf(ask).events(after, limit) };
    }),
    route("DELETE", "/voyages/:id", async (ask) => {
      await voyages.deregister(ask.id);
      await intake.flush(); // The folder may be moved from now on.
      endIfIdle();
      return { body: {} };
    }),
    route("GET", "/telemetry", async () => ({ body: { ...(await intake.status()), programs: programs.state } })),
    route("POST", "/telemetry/start", async (ask) => ({
      body: await programs.start(await readJson(ask.request, StartTelemetry, MOST_BYTES)).finally(endIfIdle),
    })),
    route("POST", "/telemetry/stop", async () => {
      await programs.stop();
      endIfIdle();
      return { body: {} };
    }),
    route("POST", "/voyages/:id/plan-changes", async (ask) => {
      const { plan } = await readJson(ask.request, z.object({ plan: Plan }), MOST_BYTES);
      return { body: voyageOf(ask).planChanges(plan) };
    }),
    route("POST", "/voyages/:id/notices/test", async (ask) => {
      const { event } = await readJson(ask.request, NoticeTestBody, MOST_BYTES);
      return { body: await voyages.need(ask.id).notices.test(event) };
    }),
    route("GET", "/voyages/:id/notices", async (ask) => ({ body: voyages.need(ask.id).notices.newest() })),
    route("POST", "/voyages/:id/verification/retry", async (ask) => ({ body: await voyageOf(ask).retryVerification() })),
    route("GET", "/voyages/:id/probes", async (ask) => ({ body: voyageOf(ask).probes() })),
    route("POST", "/voyages/:id/probes", async (ask) => ({
      body: await voyageOf(ask).askProbe(await readJson(ask.request, AskProbe, MOST_BYTES)),
    })),
    route("GET", probe, async (ask) => {
      const [voyage, number, known] = [voyageOf(ask), numberOf(ask), ask.query.get("known")];
      const hasChanged = () => {
        const { status, lost } = voyage.probe(number);
        return `${status}-${lost}` !== known;
      };
      if (known !== null) await until(voyage, hasChanged, secondsOf(ask));
      return { body: voyage.probe(number) };
    }),
    route("DELETE", probe, async (ask) => ({ body: await voyageOf(ask).cancelProbe(numberOf(ask)) })),
    route("PUT", ship, async (ask) => {
      const { incarnation } = await readJson(ask.request, IncarnationBody, MOST_BYTES);
      return { body: { token: await voyageOf(ask).crews.register(ask.name, incarnation) } };
    }),
    route("GET", ship, async (ask) => ({ body: shipOf(voyageOf(ask), ask.name) })),
    route("DELETE", ship, async (ask) => {
      await voyages.get(ask.id)?.voyage.crews.forget(ask.name);
      return { body: {} };
    }),
    route("GET", `${ship}/ready`, async (ask) => {
      const voyage = voyageOf(ask);
      const incarnation = ask.query.get("incarnation") ?? "";
      const ready = () => voyage.crews.ready(ask.name, incarnation);
      await until(voyage, () => ready() || voyage.crews.unfit(ask.name), secondsOf(ask));
      return { status: ready() ? 200 : 504, body: shipOf(voyage, ask.name) };
    }),
    route("POST", `${ship}/stop`, async (ask) => {
      const voyage = voyageOf(ask);
      const { incarnation } = await readJson(ask.request, IncarnationBody, MOST_BYTES);
      shipOf(voyage, ask.name);
      await voyage.crews.stop(ask.name, incarnation);
      const gone = await until(voyage, () => voyage.crews.gone(ask.name), secondsOf(ask));
      return { status: gone ? 200 : 504, body: shipOf(voyage, ask.name) };
    }),
    route("POST", `${ship}/fence`, async (ask) => {
      const { incarnation, reason } = await readJson(ask.request, IncarnationBody, MOST_BYTES);
      return { body: await voyageOf(ask).crews.fence(ask.name, incarnation, reason ?? "the captain says so") };
    }),
    route("POST", "/voyages/:id/lift-limits", async (ask) => ({ body: { lifted: await voyageOf(ask).liftLimits() } })),
    route("POST", "/voyages/:id/pause", async (ask) => {
      const { withinSeconds } = await readJson(ask.request, PauseBody, MOST_BYTES);
      return { body: await voyageOf(ask).pause(withinSeconds) };
    }),
    route("POST", "/voyages/:id/resume", async (ask) => ({ body: await voyageOf(ask).resume() })),
    route("POST", "/voyages/:id/budget", async (ask) => {
      const { usd } = await readJson(ask.request, BudgetBody, MOST_BYTES);
      return { body: await voyageOf(ask).setBudget(usd) };
    }),
    route("POST", "/voyages/:id/off-duty", async (ask) => {
      const { ships, seconds } = await readJson(ask.request, OffDutyBody, MOST_BYTES);
      return { body: voyageOf(ask).putOffDuty(ships, seconds) };
    }),
    route("POST", "/voyages/:id/tasks", async (ask) => ({
      body: await voyageOf(ask).addTask(await readJson(ask.request, FollowUp, MOST_BYTES)),
    })),
    route("POST", `${task}/cancel`, async (ask) => ({ body: await voyageOf(ask).cancelTask(ask.name) })),
    route("GET", task, async (ask) => ({ body: voyageOf(ask).taskRow(ask.name) })),
    route("POST", `${task}/retry`, async (ask) => ({ body: await voyageOf(ask).retry(ask.name) })),
    route("POST", `${task}/answer`, async (ask) => {
      const { text } = await readJson(ask.request, z.object({ text: z.string().min(1).max(16_384) }), MOST_BYTES);
      return { body: await voyageOf(ask).answer(ask.name, text) };
    }),
    route("POST", `${task}/release`, async (ask) => {
      const { reason } = await readJson(ask.request, z.object({ reason: z.string() }), MOST_BYTES);
      return { body: await voyageOf(ask).releaseTask(ask.name, reason) };
    }),
  ];
}

function shipOf(voyage: Voyage, ship: string) {
  const row = voyage.shipRow(ship);
  if (!row) throw new HttpError(404, "NO_SHIP", `voyage ${voyage.id} has no ship "${ship}"`);
  return row;
}

function secondsOf(ask: Ask): number {
  const asked = ask.query.get("timeoutSeconds") ?? "30";
  const seconds = Number(asked);
  if (seconds >= 0 && seconds <= LONGEST_WAIT_SECONDS) return seconds;
  throw new HttpError(400, "bad-request", `timeoutSeconds must be 0 to ${LONGEST_WAIT_SECONDS}, and is ${shown(asked)}`);
}

/** The number of a probe that is in the path. */
function numberOf({ name }: Ask): number {
  if (/^[1-9]\d{0,14}$/.test(name)) return Number(name);
  throw new HttpError(400, "bad-request", `the number of a run must be a whole number, and is ${shown(name)}`);
}

/** A whole number of the question, from 0 to `most`. */
function countOf(ask: Ask, name: string, otherwise: number, most: number): number {
  const asked = ask.query.get(name) ?? String(otherwise);
  if (/^\d{1,16}$/.test(asked) && Number(asked) <= most) return Number(asked);
  throw new HttpError(400, "bad-request", `${name} must be 0 to ${most}, and is ${shown(asked)}`);
}

/**
 * Waits for a change that makes `condition` true; returns whether it became so in time. Silence is no change, so it
 * looks each half second as well.
 */
function until(voyage: Voyage, condition: () => boolean, seconds: number): Promise<boolean> {
  if (condition()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (met: boolean) => {
      stop();
      clearInterval(poll);
      clearTimeout(timer);
      resolve(met);
    };
    const look = () => condition() && finish(true);
    const stop = voyage.context.watch(look);
    const poll = setInterval(look, 500);
    const timer = setTimeout(() => finish(condition()), seconds * 1000);
  });
}
