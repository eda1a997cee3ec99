import { finished } from "node:stream/promises";
import { pause, realClock } from "../sprites/clock.ts";
import type { Command, Session } from "../sprites/sessions.ts";
import type { Ship } from "../sprites/ship.ts";
import { type Call, runtimeHeaders } from "./call.ts";
import { reply, replyJson } from "./replies.ts";

/** Exec over HTTP, the list of sessions, kill (facts: sprites §4). */

/** A plain command whose caller is gone may go on for this long. */
export const RUN_ON_MS = 10_000;
/** Small chunks, since a client reads frames by chunk borders: there are no lengths (facts: sprites §4.4). */
const FRAME_BYTES = 16 * 1024;

/** Between output and exit frame: Node's fetch joins chunks that arrive together (3 of 4 did, without this). */
const EXIT_APART_MS = 30;

/** The command of an exec's query, undefined without `cmd`. `path` repeats argv[0] and is not needed. */
export function commandOf(query: URLSearchParams): Command | undefined {
  const argv = query.getAll("cmd");
  if (argv.length === 0 || argv[0] === "") return undefined;
  const pairs = query.getAll("env").map((pair) => [pair.split("=", 1)[0]!, pair.slice(pair.indexOf("=") + 1)] as const);
  const size = { cols: Number(query.get("cols")) || 80, rows: Number(query.get("rows")) || 24 };
  return {
    argv,
    dir: query.get("dir") ?? undefined,
    env: Object.fromEntries(pairs.filter(([key]) => /^[A-Za-z_]\w*$/.test(key))),
    tty: query.get("tty") === "true" ? size : undefined,
  };
}

/** `POST …/exec?cmd=…`, body = stdin: frames `01…`, `02…`, and `03 <code>` last, each its own chunk. */
export async function execOverHttp(call: Call, ship: Ship): Promise<void> {
  const { request, response, query, fleet } = call;
  const command = commandOf(query);
  if (!command) return replyJson(response, 400, { error: "cmd is required" });
  await ship.awake(async (vm) => {
    await pause(fleet.settings.clock, fleet.settings.latency.execMs);
    const session = await ship.exec(vm, { ...command, tty: undefined });
    response.writeHead(200, { "content-type": "application/octet-stream", ...runtimeHeaders });
    request.on("data", (data: Buffer) => session.write(data));
    request.once("end", () => session.endInput());
    response.on("drain", () => session.resume());
    let writtenMs = 0;
    session.listen(({ stream, data }) => {
      writtenMs = performance.now();
      for (let at = 0; at < data.length; at += FRAME_BYTES) {
        const frame = Buffer.concat([Buffer.of(stream === "stdout" ? 1 : 2), data.subarray(at, at + FRAME_BYTES)]);
        if (!response.write(frame)) session.pause();
      }
    });
    const left = finished(response).catch(() => {});
    if ((await Promise.race([session.exited, left.then(() => "left" as const)])) === "left") return runOn(session, call);
    await pause(realClock, writtenMs + EXIT_APART_MS - performance.now());
    response.write(Buffer.of(3, session.exitCode ?? 255));
    response.end();
  });
}

/** Its caller is gone: it may finish, for a while, and keeps nobody awake. */
function runOn(session: Session, call: Call): void {
  session.resume();
  const cancel = call.fleet.settings.clock.after(RUN_ON_MS, () => session.signal("SIGKILL"));
  void session.exited.then(cancel);
}

/** `GET …/exec` */
export async function listSessions({ response }: Call, ship: Ship): Promise<void> {
  await ship.awake(async () => {
    const sessions = [...ship.sessions.values()].map((session) => ({
      id: session.id,
      command: session.command,
      workdir: session.dir,
      created: new Date(session.createdMs).toISOString(),
      bytes_per_second: 0,
      is_active: true,
      last_activity: new Date(session.createdMs).toISOString(),
      tty: session.tty,
    }));
    replyJson(response, 200, { sessions, count: sessions.length }, runtimeHeaders);
  });
}

const SIGNALS = /^SIG(TERM|KILL|INT|HUP|QUIT|USR1|USR2|STOP|CONT)$/;
/** `SIGTERM` and `TERM` alike; undefined for what is no signal. */
export function signalOf(name: unknown): NodeJS.Signals | undefined {
  const full = `SIG${String(name).toUpperCase().replace(/^SIG/, "")}`;
  return SIGNALS.test(full) ? (full as NodeJS.Signals) : undefined;
}

/** Milliseconds of `10s`, `500ms`, `2m`; undefined for anything else. */
export function durationMs(text: string | null): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text ?? "");
  if (!parts) return undefined;
  return Number(parts[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[(parts[2] ?? "s") as "ms" | "s" | "m" | "h"];
}

/** `POST …/exec/{id}/kill?signal=&timeout=`: NDJSON of what happens; SIGKILL after the timeout. */
export async function killSession({ response, query, fleet }: Call, ship: Ship, id: string): Promise<void> {
  await ship.awake(async () => {
    const session = ship.sessions.get(id);
    if (!session) return replyJson(response, 404, { error: "session not found" }, runtimeHeaders);
    const signal = signalOf(query.get("signal") ?? "SIGTERM");
    if (!signal) return replyJson(response, 400, { error: "invalid signal" }, runtimeHeaders);
    const timeoutMs = durationMs(query.get("timeout")) ?? 10_000;
    response.writeHead(200, { "content-type": "application/x-ndjson", ...runtimeHeaders });
    const line = (event: Record<string, unknown>) => response.write(`${JSON.stringify(event)}\n`);
    line({ type: "signal", signal, pid: Number(id), message: `sent ${signal}` });
    session.signal(signal);
    const late = pause(fleet.settings.clock, timeoutMs).then(() => "late" as const);
    if ((await Promise.race([session.exited, late])) === "late") {
      line({ type: "timeout", message: `still running after ${timeoutMs} ms` });
      session.signal("SIGKILL");
      await session.exited;
      line({ type: "killed", signal: "SIGKILL", pid: Number(id) });
    } else line({ type: "exited", pid: Number(id), exit_code: session.exitCode });
    line({ type: "complete", exit_code: session.exitCode });
    response.end();
  });
}

/** `HEAD …/exec`: the runtime's version. */
export const headExec = ({ response }: Call) => reply(response, 200, "", runtimeHeaders);
