import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { pause } from "../../../machine/pause.ts";

// Who is at the tmux session `claude`, and typing into it.

const TARGET = "=claude";
const TMUX_MS = 5_000;
/** How long after a person has typed nothing is typed in between: the person may be in the middle of a line. */
const TYPING_MS = 60_000;
const LOOK_MS = 2_000;
/**
 * The pause between keys: a text that comes in one piece with its Enter is taken for pasted, and a key just after an
 * Escape for one with it.
 */
const KEYS_MS = 300;

/** Tells whether somebody is attached to the session. */
export const isAttended = async (): Promise<boolean> => (await clients()).length > 0;

/**
 * Types `text` as a message of its own, once nobody else is typing; a message that was begun is typed to its end. Quiet
 * when the session has gone.
 *
 * @param asking whether the screen may be asking something, which is answered first, by Escape
 */
export async function type(text: string, signal: AbortSignal, asking = false): Promise<void> {
  while ((await clients()).some((activeAt) => Date.now() - activeAt * 1000 < TYPING_MS)) await pause(LOOK_MS, signal);
  signal.throwIfAborted();
  for (const keys of [...(asking ? [["Escape"]] : []), ["-l", "--", text], ["Enter"]]) {
    await tmux(["send-keys", "-t", `${TARGET}:`, ...keys]).catch(() => {});
    await sleep(KEYS_MS);
  }
}

/** Returns for each attached terminal when it was last active, in seconds since the epoch. */
async function clients(): Promise<number[]> {
  const listed = await tmux(["list-clients", "-t", TARGET, "-F", "#{client_activity}"]).catch(() => "");
  return listed.split("\n").filter(Boolean).map(Number);
}

function tmux(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("tmux", args, { timeout: TMUX_MS, encoding: "utf8" }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}
