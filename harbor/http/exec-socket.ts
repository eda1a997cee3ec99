import type { RawData, WebSocket } from "ws";
import { pause } from "../sprites/clock.ts";
import { type ExecCommand, type ExecSession, killAfter, RUN_ON_MS } from "../sprites/sessions.ts";
import type { HarborShip, ShipSettings } from "../sprites/ship.ts";
import type { Vm } from "../vm/vm.ts";
import type { Fault } from "./faults.ts";
import { durationMs, signalOf } from "./query-values.ts";

/** Exec by WebSocket, as docs/facts/sprites.md#websocket describes it: to run a command, and to attach to a session. */

/** How long the socket stays open after the exit frame, as at the vendor. */
const LINGER_MS = 5_000;
/** Unsent bytes at which the command's output is paused. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;

/** Runs a command and connects it to the socket. `release` is called when it no longer keeps the ship awake. */
export async function runOverSocket(
  socket: WebSocket,
  ship: HarborShip,
  vm: Vm,
  command: ExecCommand,
  options: { settings: ShipSettings; maxRunAfterDisconnect: string | null; fault: Fault | undefined; release(): void },
): Promise<void> {
  const { settings, release } = options;
  // Clients write at once: what comes before the command has started must wait for it.
  socket.pause();
  try {
    await pause(settings.clock, settings.latency.execMs);
    const session = await ship.exec(vm, command);
    serve(socket, session, settings, release);
    socket.resume();
    if (options.fault?.kind === "drop") socket.terminate();
    // Without its caller a terminal's command goes on for ever and a plain one for a while, unless the caller has said
    // how long; "0" is for ever.
    const runOnMs = durationMs(options.maxRunAfterDisconnect) ?? (command.tty ? 0 : RUN_ON_MS);
    if (runOnMs > 0) socket.once("close", () => killAfter(session, settings.clock, runOnMs));
  } catch (error) {
    release();
    socket.close(1011, (error as Error).message.slice(0, 100));
  }
}

/**
 * Connects a session to the socket. One without a terminal gives its `session_info` and then nothing, as seen at the
 * vendor.
 */
export function attachOverSocket(socket: WebSocket, session: ExecSession, settings: ShipSettings, release: () => void): void {
  if (!session.tty) {
    sendInfo(socket, session);
    void session.exited.then(release);
    return;
  }
  serve(socket, session, settings, release, session.scrollback());
}

function sendInfo(socket: WebSocket, session: ExecSession): void {
  const { id, command, createdMs, tty } = session;
  const info = {
    type: "session_info",
    session_id: id,
    command,
    created: Math.floor(createdMs / 1000),
    cols: 0,
    rows: 0,
    is_owner: true,
    tty,
  };
  socket.send(JSON.stringify(info));
}

/**
 * Connects a session to the socket, both ways. `release` is called when its command ends; the server calls it when the
 * connection does.
 */
function serve(socket: WebSocket, session: ExecSession, settings: ShipSettings, release: () => void, replay?: Buffer): void {
  sendInfo(socket, session);
  if (replay && replay.length > 0) socket.send(replay);
  const stop = session.listen(({ stream, data }) => {
    const frame = session.tty ? data : Buffer.concat([Buffer.of(stream === "stdout" ? 1 : 2), data]);
    socket.send(frame, () => socket.bufferedAmount < HIGH_WATER_BYTES && session.resume());
    if (socket.bufferedAmount >= HIGH_WATER_BYTES) session.pause();
  });
  socket.on("message", (data, binary) => receive(session, data as Buffer, binary));
  socket.on("error", () => socket.terminate());
  socket.once("close", () => {
    stop();
    session.resume();
  });
  void session.exited.then(async (code) => {
    release();
    if (session.tty) socket.send(JSON.stringify({ type: "exit", exit_code: code }));
    else socket.send(Buffer.of(3, code));
    await pause(settings.clock, LINGER_MS);
    // The vendor's client takes a terminal's exit status from the close code: 1000 is 0, all else 1.
    socket.close(session.tty && code !== 0 ? 1011 : 1000);
  });
}

function receive(session: ExecSession, data: RawData & Buffer, binary: boolean): void {
  if (!binary) control(session, data.toString("utf8"));
  else if (session.tty) session.write(data);
  else if (data[0] === 0) session.write(data.subarray(1));
  else if (data[0] === 4) session.endInput();
}

function control(session: ExecSession, text: string): void {
  let message: { type?: unknown; signal?: unknown; cols?: unknown; rows?: unknown };
  try {
    message = JSON.parse(text) as typeof message;
  } catch {
    return;
  }
  const signal = signalOf(message.signal);
  if (message.type === "signal" && signal) session.signal(signal);
  const [cols, rows] = [Number(message.cols), Number(message.rows)];
  if (message.type === "resize" && cols > 0 && rows > 0) session.resize(cols, rows);
}
