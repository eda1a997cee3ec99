import { join } from "node:path";
import { z } from "zod";
import { fitOrThrow } from "../base/check-input.ts";
import { OcaptainError } from "../base/errors.ts";
import { helmHome, helmSocket } from "../base/paths.ts";
import { readAtMost } from "../base/read-at-most.ts";
import type { NoticeEvent } from "../notices/events.ts";
import {
  AddedTask,
  FenceReply,
  type FollowUp,
  Health,
  LiftReply,
  NoticesReply,
  NoticeTestReply,
  type OpenPage,
  PageAt,
  type Plan,
  PlanChanges,
  type RegisterVoyage,
  ShipRow,
  TokenReply,
  VoyageStatus,
} from "../protocol/admin-api.ts";
import { VoyageEvents } from "../protocol/events.ts";
import { type AskProbe, ProbeResult, ProbeRow, Probes } from "../protocol/probes.ts";
import { TaskRow } from "../protocol/status.ts";
import { type StartTelemetry, TelemetryStarted, TelemetryStatus } from "../telemetry/wire.ts";
import { helmProcess, silentHelm } from "./helm-process.ts";

// An `import` of this module would load Node's WebSocket client too, only to list it among what the module exports, in
// each run of the program and of a command (docs/bench.md).
const { request } = process.getBuiltinModule("node:http");

/** The bound of a call that waits for nothing. */
const CALL_MS = 30_000;
/** The time after which a helm that has not answered a look counts as silent. */
const LOOK_MS = 3_000;
/** The time between two looks whether the helm was stopped by a signal, while an answer is waited for. */
const STOPPED_LOOK_MS = 400;
/** The bound of a call that may have a large tree to save, such as a registration or a fence. */
const LONG_CALL_MS = 6 * 60_000;
/** The bound of a test of notices: three tries of 10 s, and the waits between them. */
const TEST_CALL_MS = 60_000;
/** The most that an answer may have; the status of the largest plan has some MiB. */
const MOST_BYTES = 256 * 1024 * 1024;
const Empty = z.object({});

export type HelmClient = ReturnType<typeof helmClient>;

/**
 * Makes a client of the admin API (lib/protocol/admin-api.ts). Each call has a time limit. It throws `HELM_DOWN` when
 * nobody answers on the socket; `HELM_SILENT` when a helm runs and does not answer, or was stopped by a signal;
 * `HELM_TIMEOUT`; or the helm's own error by its code (`NO_VOYAGE`, `NO_SHIP`, `NO_TASK`, `NO_REPO`, `BAD_PLAN`, …).
 */
export function helmClient(socket = helmSocket()) {
  const at = (id: string, ...rest: string[]) => `/voyages/${[id, ...rest].map(encodeURIComponent).join("/")}`;
  const call = <T extends z.ZodType>(method: string, path: string, schema: T, body?: unknown, timeoutMs = CALL_MS) =>
    exchange(socket, { method, path, body, timeoutMs, okStatus: [200] }).then((reply) => understood(schema, reply.body));
  /** Makes a call that waits up to `seconds`; `met` is false when the time ran out. */
  const wait = async (method: string, path: string, seconds: number, body?: unknown) => {
    const reply = await exchange(socket, { method, path, body, timeoutMs: seconds * 1000 + CALL_MS, okStatus: [200, 504] });
    return { met: reply.status === 200, ship: understood(ShipRow, reply.body) };
  };
  const health = (timeoutMs = LOOK_MS) =>
    call("GET", "/health", Health, undefined, timeoutMs).catch((error: unknown) => {
      const late = error instanceof OcaptainError && error.code === "HELM_TIMEOUT";
      throw (late && silentHelm()) || error;
    });
  const voyage = (id: string) => call("GET", at(id), VoyageStatus);
  return {
    health,
    registerVoyage: (id: string, voyage: RegisterVoyage) => call("PUT", at(id), PlanChanges, voyage, LONG_CALL_MS),
    planChanges: (id: string, plan: Plan) => call("POST", at(id, "plan-changes"), PlanChanges, { plan }),
    voyage,
    /** Asks for the voyage like `voyage`, but gives up when the helm does not even say that it is there. */
    lookAtVoyage: (id: string) => {
      const asked = voyage(id);
      asked.catch(() => {}); // Its failure is heard below, unless the helm is silent.
      return Promise.race([asked, health().then(() => asked)]);
    },
    /** Asks for what happened after the event `after`, the oldest first. */
    events: (id: string, after = 0, limit?: number) =>
      call(
        "GET",
        `${at(id, "events")}?${new URLSearchParams({ after: String(after), ...(limit !== undefined && { limit: String(limit) }) })}`,
        VoyageEvents,
      ),
    deregisterVoyage: (id: string) => call("DELETE", at(id), Empty),
    registerShip: (id: string, ship: string, incarnation: string) =>
      call("PUT", at(id, "ships", ship), TokenReply, { incarnation }, LONG_CALL_MS),
    ship: (id: string, ship: string) => call("GET", at(id, "ships", ship), ShipRow),
    /** Waits for the supervisor of that incarnation to be ready. */
    shipReady: (id: string, ship: string, incarnation: string, seconds: number) =>
      wait(
        "GET",
        `${at(id, "ships", ship, "ready")}?${new URLSearchParams({ incarnation, timeoutSeconds: String(seconds) })}`,
        seconds,
      ),
    /**
     * Tells the supervisor to stop, and waits for its end. A ship or voyage that the helm does not know has ended:
     * `{met: true, ship: null}`.
     */
    stopShip: (id: string, ship: string, incarnation: string, seconds: number) =>
      wait("POST", `${at(id, "ships", ship, "stop")}?timeoutSeconds=${seconds}`, seconds, { incarnation }).catch(
        (error: unknown) => {
          if (error instanceof OcaptainError && (error.code === "NO_SHIP" || error.code === "NO_VOYAGE"))
            return { met: true, ship: null };
          throw error;
        },
      ),
    fenceShip: (id: string, ship: string, incarnation: string, reason: string) =>
      call("POST", at(id, "ships", ship, "fence"), FenceReply, { incarnation, reason }, LONG_CALL_MS),
    forgetShip: (id: string, ship: string) => call("DELETE", at(id, "ships", ship), Empty, undefined, LONG_CALL_MS),
    task: (id: string, task: string) => call("GET", at(id, "tasks", task), TaskRow),
    liftLimits: (id: string) => call("POST", at(id, "lift-limits"), LiftReply),
    pause: (id: string, withinSeconds?: number) => call("POST", at(id, "pause"), VoyageStatus, { withinSeconds }),
    resume: (id: string) => call("POST", at(id, "resume"), VoyageStatus),
    /** Says what the voyage may spend; null: as it is configured. */
    setBudget: (id: string, usd: number | null) => call("POST", at(id, "budget"), VoyageStatus, { usd }),
    putOffDuty: (id: string, ships: readonly string[], seconds: number) =>
      call("POST", at(id, "off-duty"), VoyageStatus, { ships, seconds }),
    /** Adds a task beside the plan; the same signature adds none twice. */
    addTask: (id: string, task: FollowUp) => call("POST", at(id, "tasks"), AddedTask, task),
    cancelTask: (id: string, task: string) => call("POST", at(id, "tasks", task, "cancel"), TaskRow),
    retryTask: (id: string, task: string) => call("POST", at(id, "tasks", task, "retry"), TaskRow),
    retryVerification: (id: string) => call("POST", at(id, "verification", "retry"), VoyageStatus),
    askProbe: (id: string, ask: AskProbe) => call("POST", at(id, "probes"), ProbeRow, ask),
    probes: (id: string) => call("GET", at(id, "probes"), Probes),
    /** Asks for a probe; with `known` the answer comes when it has changed since, or after so many seconds. */
    probe: (id: string, probe: number, known?: Pick<ProbeRow, "status" | "lost">, seconds = 20) => {
      const asked = known && { known: `${known.status}-${known.lost}`, timeoutSeconds: String(seconds) };
      const path = `${at(id, "probes", String(probe))}?${new URLSearchParams(asked ?? {})}`;
      return call("GET", path, ProbeResult, undefined, seconds * 1000 + CALL_MS);
    },
    cancelProbe: (id: string, probe: number) => call("DELETE", at(id, "probes", String(probe)), ProbeRow),
    answerTask: (id: string, task: string, text: string) => call("POST", at(id, "tasks", task, "answer"), TaskRow, { text }),
    releaseTask: (id: string, task: string, reason: string) =>
      call("POST", at(id, "tasks", task, "release"), TaskRow, { reason }, LONG_CALL_MS),
    /** Opens the page in the captain's browser, and makes a first address of it. */
    openPage: (ask: OpenPage) => call("POST", "/page", PageAt, ask),
    closePage: () => call("DELETE", "/page", Empty),
    testNotices: (id: string, event: NoticeEvent) =>
      call("POST", at(id, "notices", "test"), NoticeTestReply, { event }, TEST_CALL_MS),
    notices: (id: string) => call("GET", at(id, "notices"), NoticesReply),
    telemetry: () => call("GET", "/telemetry", TelemetryStatus),
    startTelemetry: (ask: StartTelemetry) => call("POST", "/telemetry/start", TelemetryStarted, ask),
    stopTelemetry: () => call("POST", "/telemetry/stop", Empty),
    shutdown: () => call("POST", "/shutdown", Empty),
  };
}

type Exchange = { method: string; path: string; body: unknown; timeoutMs: number; okStatus: readonly number[] };

function exchange(socket: string, ask: Exchange): Promise<{ status: number; body: unknown }> {
  const { method, path, timeoutMs } = ask;
  const what = `${method} ${path.split("?")[0]}`;
  const text = ask.body === undefined ? undefined : JSON.stringify(ask.body);
  const headers = text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  const down = (cause: unknown) =>
    new OcaptainError("HELM_DOWN", "the helm does not answer", { hint: "pulumi up  # starts it", cause });
  const stopped = new AbortController();
  let seen = 0;
  const watch = setInterval(() => {
    seen = helmProcess()?.stopped ? seen + 1 : 0;
    if (seen > 1) stopped.abort();
  }, STOPPED_LOOK_MS).unref();
  const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(timeoutMs)]);
  const exchanged = new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    // Each call has a connection of its own: one that is kept may just be closed by the helm when the next call takes
    // it, and that would pass for a helm that does not answer.
    const sent = request({ socketPath: socket, agent: false, method, path, headers, signal }, (response) => {
      const status = response.statusCode ?? 0;
      readAtMost(response, MOST_BYTES, `${what} at the helm`)
        .then((text) => {
          const body: unknown = JSON.parse(text.toString("utf8"));
          if (ask.okStatus.includes(status)) resolve({ status, body });
          else reject(refusal(status, body, what));
        })
        .catch((error: unknown) => reject(error instanceof OcaptainError ? error : down(error)));
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      const late = error.name === "AbortError" || error.name === "TimeoutError";
      const silent = stopped.signal.aborted ? silentHelm() : null;
      reject(
        silent
          ? silent
          : late
            ? new OcaptainError("HELM_TIMEOUT", `the helm took longer than ${timeoutMs / 1000} s for ${what}`, {
                hint: `tail ${join(helmHome(), "helm.log")}  # says what the helm does`,
              })
            : down(error),
      );
    });
    sent.end(text);
  });
  return exchanged.finally(() => clearInterval(watch));
}

const understood = <T extends z.ZodType>(schema: T, body: unknown): z.infer<T> =>
  fitOrThrow(
    schema,
    body,
    (why) =>
      new OcaptainError("HELM_ERROR", `the helm answered as one of another version does: ${why}`, {
        hint: "pulumi up  # starts the helm of this version",
      }),
  );

const ErrorBody = z.object({ error: z.string(), message: z.string(), hint: z.string().optional() });

function refusal(status: number, body: unknown, what: string): OcaptainError {
  const parsed = ErrorBody.safeParse(body);
  if (!parsed.success)
    return new OcaptainError("HELM_ERROR", `the helm answered ${what} with status ${status} and no reason`, {
      hint: `tail ${join(helmHome(), "helm.log")}`,
    });
  const { error, message, hint } = parsed.data;
  return new OcaptainError(error, message, hint === undefined ? {} : { hint });
}
