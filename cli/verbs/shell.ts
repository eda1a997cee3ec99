import { once } from "node:events";
import { OcaptainError } from "../../lib/base/errors.ts";
import { spriteName } from "../../lib/base/naming.ts";
import { plainJson } from "../../lib/base/text.ts";
import { CREW_SESSION, HAND_SESSION } from "../../lib/ship/crew-launch.ts";
import { shipScript } from "../../lib/ship/shell.ts";
import type { ProviderSettings } from "../../lib/sprites/types.ts";
import { readVoyageProvider } from "../../lib/voyage/provider.ts";
import { voyageNames } from "../../lib/watch/known.ts";
import type { Io } from "../output/io.ts";
import { openRemoteTerminal, type RemoteTerminal } from "../ship/sprite-terminal.ts";
import { terminalOverTailnet } from "../ship/tailnet-terminal.ts";
import { chooseShip } from "../target/choose-ship.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";
import { looksLikeShip } from "../target/ship-name.ts";

export type ShellOptions = { crew?: boolean; raw?: boolean; write?: boolean };

/** Exit status of our own script when the ship has no tmux session to look at; tmux itself uses 0 and 1. */
const NO_CREW = 77;

/**
 * Leaves the other screen, shows the cursor, and ends mouse and paste modes, for which a tmux that was cut off had no
 * time.
 */
const RESET = "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[0m\r\n";

/**
 * `ocaptain shell [voyage] [ship] [--crew] [--raw] [--write]` wakes the ship and makes this terminal one on it: the
 * tmux session of the hand `claude` where there is one, else the crew's, read-only unless `--write`; with `--raw` a
 * shell. One word alone that looks like a ship, and is no voyage, is a ship. Returns the exit status of what ran there.
 */
export async function shell(words: readonly (string | undefined)[], options: ShellOptions, io: Io): Promise<number> {
  const [voyageName, shipWord] = await sort(words);
  const voyage = await chooseVoyage(voyageName);
  const ship = await chooseShip(voyage, shipWord);
  const sprite = spriteName(voyage.file.stack, voyage.file.voyageId, ship);
  const argv = options.raw
    ? rawShell()
    : tmuxOf(options.crew ? [CREW_SESSION] : [HAND_SESSION, CREW_SESSION], options.write === true);
  if (io.json) {
    io.out(plainJson({ voyage: voyage.file.stack, ship, sprite, argv }, 2));
    return 0;
  }
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY)
    throw new OcaptainError("NO_TERMINAL", "a shell needs a terminal on stdin and stdout", {
      hint: `ocaptain logs ${voyage.file.stack} -s ${ship}`,
    });
  const provider = await readVoyageProvider(voyage.folder);
  if (!provider)
    throw new OcaptainError("NOT_SAILING", `voyage "${voyage.file.stack}" is not at sea`, {
      hint: `pulumi up -s ${voyage.file.stack}`,
    });

  io.progress(`  waking ${ship}`);
  const known = { ...provider, token: provider.token ?? process.env.SPRITE_TOKEN };
  const status = voyage.file.control
    ? await terminalOverTailnet(known, {
        voyageId: voyage.file.voyageId,
        sprite,
        argv,
        signal: io.signal,
        connecting: () => io.progress(""),
      }).finally(() => io.progress(""))
    : await terminalByProvider(known, { stack: voyage.file.stack, sprite }, argv, io);
  if (status !== NO_CREW || options.raw) return status;
  throw new OcaptainError("NO_CREW", `no crew is at work on ${ship}: it has ended, as it does when there is nothing to do`, {
    hint: `ocaptain logs ${voyage.file.stack} -s ${ship}  # or a shell on the ship: ocaptain shell ${voyage.file.stack} ${ship} --raw`,
  });
}

async function terminalByProvider(
  provider: ProviderSettings,
  of: { stack: string; sprite: string },
  argv: readonly string[],
  io: Io,
): Promise<number> {
  const { stdout } = process;
  const onData = (data: Buffer) => {
    io.progress(""); // the first output can be here before we know that it was opened
    return stdout.write(data) ? undefined : once(stdout, "drain");
  };
  const remote = await openRemoteTerminal(provider, of.sprite, argv, {
    stack: of.stack,
    size: sizeOf(stdout),
    onData,
    signal: io.signal,
  }).finally(() => io.progress(""));
  return converse(remote, io).catch((error: unknown) => {
    stdout.write(RESET);
    throw error;
  });
}

/** Tells which of the words is the voyage and which is the ship: `[ship]`, `[voyage]`, or both. */
async function sort(words: readonly (string | undefined)[]): Promise<[string | undefined, string | undefined]> {
  const [first, second] = words;
  if (first === undefined || second !== undefined || !looksLikeShip(first)) return [first, second];
  return (await voyageNames()).includes(first) ? [first, undefined] : [undefined, first];
}

/** Sends keys and sizes to the remote terminal until it ends. Afterwards this terminal is as before. */
async function converse(remote: RemoteTerminal, { signal }: Io): Promise<number> {
  const { stdin, stdout } = process;
  const onKeys = (data: Buffer) => remote.write(data);
  const onResize = () => remote.resize(sizeOf(stdout));
  const onAbort = () => remote.close();
  const wasRaw = stdin.isRaw;
  const restore = () => void stdin.setRawMode(wasRaw);
  process.once("exit", restore);
  signal.addEventListener("abort", onAbort);
  stdin.setRawMode(true);
  stdin.on("data", onKeys).resume();
  stdout.on("resize", onResize);
  onResize(); // it may have changed while the ship woke
  try {
    return await remote.ended;
  } finally {
    stdout.off("resize", onResize);
    stdin.off("data", onKeys).pause();
    restore();
    process.off("exit", restore);
    signal.removeEventListener("abort", onAbort);
  }
}

const sizeOf = (stream: NodeJS.WriteStream) => ({ cols: stream.columns || 80, rows: stream.rows || 24 });

/** A ship may not know this terminal; every ship knows xterm. */
const KNOWN_TERM = `TERM=$1; export TERM; infocmp "$TERM" >/dev/null 2>&1 || TERM=xterm-256color`;
const term = () => process.env.TERM || "xterm-256color";

/** The command that attaches to the first of these tmux sessions that is there. */
function tmuxOf(sessions: readonly string[], write: boolean): string[] {
  const attach = `exec tmux -u attach-session ${write ? "" : "-r "}-t "=$session"`;
  const look = `for session in ${sessions.join(" ")}; do tmux has-session -t "=$session" 2>/dev/null && ${attach}; done`;
  return [...shipScript(`${KNOWN_TERM}; ${look}; exit ${NO_CREW}`, term())];
}

function rawShell(): string[] {
  const here = `PATH=$SHIP_PATH; unset SHIP_PATH; cd "$HOME/voyage/workspace" 2>/dev/null || cd; exec "\${SHELL:-/bin/sh}" -l`;
  return [...shipScript(`${KNOWN_TERM}; ${here}`, term())];
}
