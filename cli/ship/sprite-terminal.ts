import WebSocket from "ws";
import { OcaptainError } from "../../lib/base/errors.ts";
import { inDotEnv } from "../../lib/base/secret-hints.ts";
import { ensureHarbor } from "../../lib/daemons/harbor.ts";
import { SPRITES_URL } from "../../lib/sprites/client.ts";
import type { ProviderSettings } from "../../lib/sprites/types.ts";

/** Bound of the opening: a cold ship may take 10 s and more to wake. */
const OPEN_MS = 60_000;
/** Attempts to open while the provider answers 5xx. */
const ATTEMPTS = 4;
const AGAIN_MS = 500;
const PING_MS = 15_000;
const SILENCE_MS = 45_000;
/** How long a command goes on without its terminal. The vendor's default for a terminal is for ever. */
const RUN_ON = "10s";

/** Most bytes of one message; those of the harbor have 64 KiB and less. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Takes what the command prints. When it returns a promise, nothing more comes until that resolves. */
type OnData = (data: Buffer) => Promise<unknown> | undefined;

export type Size = { cols: number; rows: number };

/** A command on a ship, with a terminal. */
export type RemoteTerminal = {
  write(data: Buffer): void;
  resize(size: Size): void;
  /** The command's exit status. @throws OcaptainError EXEC_CUT when the connection ended before that came */
  ended: Promise<number>;
  /** Hangs up; `ended` then rejects, unless it has ended. */
  close(): void;
};

/**
 * Runs argv on a ship with a terminal, with raw bytes both ways. It wakes the ship, and keeps it awake while connected.
 * @throws OcaptainError SPRITE_GONE, UNAUTHORIZED, NO_TOKEN, SPRITES_UNREACHABLE, SPRITES_REFUSED
 */
export async function openRemoteTerminal(
  provider: ProviderSettings,
  name: string,
  argv: readonly string[],
  options: { stack: string; size: Size; onData: OnData; signal: AbortSignal },
): Promise<RemoteTerminal> {
  const { url, token } = await addressOf(provider);
  const query = new URLSearchParams([
    ...argv.map((arg): [string, string] => ["cmd", arg]),
    ["path", argv[0] ?? ""],
    ["tty", "true"],
    ["stdin", "true"],
    ["cols", String(options.size.cols)],
    ["rows", String(options.size.rows)],
    ["max_run_after_disconnect", RUN_ON],
  ]);
  const at = `${url.replace(/^http/, "ws").replace(/\/+$/, "")}/v1/sprites/${encodeURIComponent(name)}/exec?${query}`;
  for (let attempt = 1; ; attempt++) {
    const opened = await open(at, token, options);
    if ("socket" in opened) return opened.terminal;
    if (opened.status >= 500 && attempt < ATTEMPTS && !options.signal.aborted) {
      await new Promise((done) => setTimeout(done, AGAIN_MS * attempt));
      continue;
    }
    throw refused(name, opened.status, options.stack);
  }
}

async function addressOf(provider: ProviderSettings): Promise<{ url: string; token: string }> {
  if (provider.kind === "harbor" && !provider.baseUrl) return ensureHarbor({ unconfined: provider.unconfined });
  const hint = inDotEnv("SPRITE_TOKEN");
  if (!provider.token)
    throw new OcaptainError("NO_TOKEN", `the provider ${provider.kind} needs a token, and SPRITE_TOKEN is not set`, { hint });
  return { url: provider.baseUrl ?? SPRITES_URL, token: provider.token };
}

/** Opens the terminal, once; the status when it is refused. @throws OcaptainError SPRITES_UNREACHABLE */
function open(
  at: string,
  token: string,
  options: { onData: OnData; signal: AbortSignal },
): Promise<{ socket: WebSocket; terminal: RemoteTerminal } | { status: number }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(at, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: OPEN_MS,
      perMessageDeflate: false,
      maxPayload: MOST_BYTES,
    });
    const hangUp = () => socket.terminate();
    options.signal.addEventListener("abort", hangUp, { once: true });
    socket.once("unexpected-response", (_request, response) => {
      response.resume();
      socket.on("error", () => {}); // terminating an opening socket is one
      socket.terminate();
      resolve({ status: response.statusCode ?? 0 });
    });
    // The message of this error can name the URL, and so the command; its code does not.
    socket.once("error", (error: NodeJS.ErrnoException) =>
      reject(new OcaptainError("SPRITES_UNREACHABLE", `${new URL(at).host}: ${error.code ?? "no answer"}`)),
    );
    const terminal = converse(socket, options.onData);
    socket.once("open", () => resolve({ socket, terminal }));
    socket.once("close", () => options.signal.removeEventListener("abort", hangUp));
  });
}

/** The terminal of a socket. It listens at once, because the first output can come with the answer to the handshake. */
function converse(socket: WebSocket, onData: OnData): RemoteTerminal {
  let heardAt = performance.now();
  const keepAlive = setInterval(() => {
    if (!socket.isPaused && performance.now() - heardAt > SILENCE_MS) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, PING_MS);
  const ended = new Promise<number>((resolve, reject) => {
    socket.on("pong", () => {
      heardAt = performance.now();
    });
    socket.on("message", (data: Buffer, binary) => {
      heardAt = performance.now();
      if (binary) {
        const taken = onData(data);
        if (!taken) return;
        // The command has to wait too: what it prints is not kept here.
        socket.pause();
        taken.then(() => {
          heardAt = performance.now();
          socket.resume();
        });
        return;
      }
      const status = exitStatus(data.toString("utf8"));
      if (status === undefined) return;
      resolve(status);
      socket.close();
    });
    socket.on("close", (code) => {
      clearInterval(keepAlive);
      // Close code 1000 means exit status 0 (docs/facts/sprites.md#terminal).
      if (code === 1000) resolve(0);
      else reject(new OcaptainError("EXEC_CUT", `the connection ended before the command's exit status came (${code})`));
    });
    socket.on("error", () => {}); // a close follows
  });
  ended.catch(() => {}); // whoever waits hears it; nobody may, when it never opened
  const send = (data: Buffer | string) => socket.readyState === WebSocket.OPEN && socket.send(data);
  return {
    write: (data) => void send(data),
    resize: ({ cols, rows }) => void send(JSON.stringify({ type: "resize", cols, rows })),
    ended,
    close: () => socket.terminate(),
  };
}

function exitStatus(text: string): number | undefined {
  try {
    const message = JSON.parse(text) as { type?: unknown; exit_code?: unknown };
    return message.type === "exit" && typeof message.exit_code === "number" ? message.exit_code : undefined;
  } catch {
    return undefined;
  }
}

function refused(name: string, status: number, stack: string): OcaptainError {
  if (status === 404) return new OcaptainError("SPRITE_GONE", `sprite "${name}" is not there`, { hint: `pulumi up -s ${stack}` });
  if (status === 401 || status === 403)
    return new OcaptainError("UNAUTHORIZED", `the provider refused the token (${status})`, { hint: `pulumi up -s ${stack}` });
  return new OcaptainError("SPRITES_REFUSED", `a terminal on ${name} was refused: status ${status}`);
}
