import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { pause } from "../../../machine/pause.ts";

/** People at the tmux session `claude`, and typing into it. */

const TARGET = "=claude";
const TMUX_MS = 5_000;
/** Whoever has typed lately may be in the middle of a line: nothing is typed in between. */
const TYPING_MS = 60_000;
const LOOK_MS = 2_000;
/** What comes with its Enter in one piece is taken for pasted, and a key just after an Escape for one with it. */
const KEYS_MS = 300;

/** Is somebody attached? */
export const isAttended = async (): Promise<boolean> => (await clients()).length > 0;

/**
 * Types `text` as a message of its own, once nobody else is typing; what is begun is typed to its end. `asking`: the screen may ask something, which
 * Escape answers first. Quiet when the session has gone.
 */
export async function type(text: string, signal: AbortSignal, asking = false): Promise<void> {
  while ((await clients()).some((activeAt) => Date.now() - activeAt * 1000 < TYPING_MS)) await pause(LOOK_MS, signal);
  signal.throwIfAborted();
  for (const keys of [...(asking ? [["Escape"]] : []), ["-l", "--", text], ["Enter"]]) {
    await tmux(["send-keys", "-t", `${TARGET}:`, ...keys]).catch(() => {});
    await sleep(KEYS_MS);
  }
}

/** Seconds since the epoch at which each was last active. */
async function clients(): Promise<number[]> {
  const listed = await tmux(["list-clients", "-t", TARGET, "-F", "#{client_activity}"]).catch(() => "");
  return listed.split("\n").filter(Boolean).map(Number);
}

function tmux(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("tmux", args, { timeout: TMUX_MS, encoding: "utf8" }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}
