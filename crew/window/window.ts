import { execFile } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { pause } from "../machine/pause.ts";
import type { Start } from "../machine/run.ts";
import type { ThisShip } from "../machine/ship.ts";
import { type FromWindow, jsonLines, type ToWindow } from "./wire.ts";

/** The tmux session in which the hand is seen. The captain finds it by the same name in lib/ship/crew-launch.ts. */
const SESSION = "claude";
/** How long the session may take to open: on a busy ship its program starts slowly, and a ship without it is unfit. */
const OPEN_MS = 30_000;
const AGAIN_MS = 300;

/**
 * The supervisor's end of the tmux session `claude`. The session stays from task to task, so that a person who looks on
 * can stay too, and is opened anew when somebody has closed it.
 */
export class Window {
  readonly #ship: ThisShip;
  readonly #path: string;
  #server: Server | null = null;
  #socket: Socket | null = null;
  #opening: Promise<Socket> | null = null;
  #onMessage: (message: FromWindow) => void = () => {};
  #onGone: () => void = () => {};

  constructor(ship: ThisShip) {
    this.#ship = ship;
    this.#path = join(ship.crew, "window.sock");
  }

  /** Shows text in the session. The text is lost while the session is not open. */
  readonly say = (text: string | Uint8Array): void => {
    const shown = typeof text === "string" ? text : Buffer.from(text).toString("utf8");
    if (this.#socket) this.#tell(this.#socket, { type: "say", text: shown });
  };

  /**
   * Starts a program in the session (a `start` of crew/machine/run.ts). With `terminal` the program has the terminal
   * for itself.
   */
  readonly start =
    (terminal: boolean): Start =>
    (command, to) => {
      let onExit: (code: number | null) => void = () => {};
      let onFailed: (error: Error) => void = () => {};
      let onDrained = () => {};
      const exited = new Promise<number | null>((resolve, reject) => {
        onExit = resolve;
        onFailed = reject;
      });
      const drained = new Promise<void>((resolve) => {
        onDrained = resolve;
      });
      const begin = async () => {
        const socket = await this.open();
        this.#onMessage = (message) => {
          if (message.type === "started") to.onStart(message.pid);
          if (message.type === "stdout") to.onStdout(Buffer.from(message.data, "base64"));
          if (message.type === "stderr") to.onStderr(Buffer.from(message.data, "base64"));
          if (message.type === "failed") onFailed(new Error(message.message));
          if (message.type === "exit") onExit(message.code);
          if (message.type === "drained") onDrained();
        };
        // When somebody closes the session, what ran in it has ended as by a signal.
        this.#onGone = () => {
          onExit(null);
          onDrained();
        };
        const { argv, cwd, env, input } = command;
        this.#tell(socket, { type: "start", argv, cwd, env, terminal, ...(input !== undefined && { input }) });
      };
      begin().catch(onFailed);
      return { exited, drained };
    };

  /** Opens the session unless it is open. Throws when there is no tmux, or the session cannot be opened. */
  open(): Promise<Socket> {
    if (this.#socket) return Promise.resolve(this.#socket);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #open(): Promise<Socket> {
    this.#server?.close();
    rmSync(this.#path, { force: true });
    let timer: NodeJS.Timeout | undefined;
    const connected = new Promise<Socket>((resolve, reject) => {
      this.#server = createServer(resolve).once("error", reject).listen(this.#path);
      timer = setTimeout(() => reject(new Error(`the tmux session "${SESSION}" did not open in ${OPEN_MS / 1000} s`)), OPEN_MS);
    });
    try {
      chmodSync(this.#path, 0o600);
      await tmux(["kill-session", "-t", `=${SESSION}`]).catch(() => {}); // An earlier supervisor may have left one.
      const program = [process.execPath, join(this.#ship.crew, "window", "program.js"), this.#path];
      const errors = join(this.#ship.logs, "window.err");
      const line = `exec ${program.map(quoted).join(" ")} 2>>${quoted(errors)}`;
      const start = ["new-session", "-d", "-s", SESSION, "-x", "200", "-y", "50", line];
      // A tmux server that is just ending with its last session takes no new one.
      await tmux(start).catch(() => pause(AGAIN_MS, AbortSignal.timeout(OPEN_MS)).then(() => tmux(start)));
      const socket = await connected;
      this.#take(socket);
      return socket;
    } finally {
      clearTimeout(timer);
      connected.catch(() => {});
    }
  }

  #take(socket: Socket): void {
    this.#socket = socket;
    socket.setEncoding("utf8").on(
      "data",
      jsonLines<FromWindow>((message) => this.#onMessage(message)),
    );
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#onGone();
    });
  }

  #tell(socket: Socket, message: ToWindow): void {
    socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Closes the session, and ends what still runs in it. */
  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
    this.#server?.close();
    rmSync(this.#path, { force: true });
  }
}

function tmux(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("tmux", args, { timeout: OPEN_MS }, (error, _stdout, stderr) =>
      error ? reject(new Error(`tmux ${args[0]}: ${stderr.trim() || error.message}`)) : resolve(),
    );
  });
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
