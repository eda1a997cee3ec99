import { finished } from "node:stream/promises";
import { pause, realClock } from "../sprites/clock.ts";
import { killAfter, RUN_ON_MS } from "../sprites/sessions.ts";
import type { HarborShip } from "../sprites/ship.ts";
import type { ApiCall } from "./call.ts";
import { commandOf, durationMs, signalOf } from "./query-values.ts";
import { replyJson, runtimeHeaders } from "./replies.ts";

/** Exec over HTTP, the list of sessions, and kill, as docs/facts/sprites.md#exec describes them. */

/** Largest frame. Frames carry no length and clients tell them apart by chunk borders, so chunks are kept small. */
const FRAME_BYTES = 16 * 1024;
/** Pause between the last output and the exit frame: Node's fetch joins chunks that arrive together. */
const EXIT_APART_MS = 30;

/**
 * Serves `POST …/exec?cmd=…`, whose body is stdin: frames `01…`, `02…`, and `03 <code>` last, each in its own chunk.
 */
export async function execOverHttp(call: ApiCall, ship: HarborShip): Promise<void> {
  const { request, response, query, ships, fault } = call;
  const command = commandOf(query);
  if (!command) return replyJson(response, 400, { error: "cmd is required" });
  await ship.awake(async (vm) => {
    await pause(ships.settings.clock, ships.settings.latency.execMs);
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
    if ((await Promise.race([session.exited, left.then(() => "left" as const)])) === "left") {
      // The caller is gone: the command may finish, for a while, and keeps no ship awake.
      session.resume();
      return killAfter(session, ships.settings.clock, RUN_ON_MS);
    }
    await pause(realClock, writtenMs + EXIT_APART_MS - performance.now());
    if (fault?.kind === "drop") return void response.destroy();
    response.write(Buffer.of(3, session.exitCode ?? 255));
    response.end();
  });
}

/** Serves `GET …/exec`: the sessions whose commands run. */
export async function listSessions({ response }: ApiCall, ship: HarborShip): Promise<void> {
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

/** Serves `POST …/exec/{id}/kill?signal=&timeout=`: NDJSON of what happens, with SIGKILL after the timeout. */
export async function killSession({ response, query, ships }: ApiCall, ship: HarborShip, id: string): Promise<void> {
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
    const late = pause(ships.settings.clock, timeoutMs).then(() => "late" as const);
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
