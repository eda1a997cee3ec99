import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { HookInput } from "../../../gates/gatekeeper.ts";
import { pause } from "../../../machine/pause.ts";
import { type Failure, failureOf, type RateLimit } from "../failure.ts";
import { parseEvent, type StreamEvent } from "../session.ts";

/**
 * How long the transcript is waited for, which may be written a little after the hook asks, and long after it on a busy
 * disk. Without it a limit passes for a failure of the API, and the session would be told to go on in the midst of the
 * limit.
 */
const WRITTEN_MS = 30_000;
const LOOK_MS = 100;
/** How old a line of the transcript may be: an earlier failure may have had the same message. */
const FRESH_MS = 60_000;
const TAIL_BYTES = 64 * 1024;

/**
 * Reads a failure from a StopFailure. The hook says that a limit was hit, and not until when: that is in the transcript
 * alone (docs/adr/gates-and-sessions.md).
 */
export async function failureByHook(input: HookInput, signal: AbortSignal): Promise<Failure> {
  const { error = "no answer", last_assistant_message: message = error, transcript_path: file } = input;
  const since = Date.now() - FRESH_MS;
  let told: ToldFailure | undefined;
  if (error === "rate_limit" && file) {
    for (let left = WRITTEN_MS; !told && left > 0; left -= LOOK_MS) {
      told = lastToldIn(file, message, since);
      if (!told) await pause(LOOK_MS, signal);
    }
  }
  return failureOf(message, error, told?.quotaLimits ?? null);
}

type ToldFailure = StreamEvent & { isApiErrorMessage?: boolean; quotaLimits?: RateLimit; timestamp?: string };

function lastToldIn(file: string, message: string, since: number): ToldFailure | undefined {
  return tailOf(file)
    .split("\n")
    .map((line) => parseEvent(line) as ToldFailure | null)
    .findLast((line) => {
      if (!line?.isApiErrorMessage || Date.parse(line.timestamp ?? "") < since) return false;
      return line.message?.content[0]?.text === message;
    }) as ToldFailure | undefined;
}

function tailOf(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      return buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, size - buffer.length));
    } finally {
      closeSync(file);
    }
  } catch {
    return ""; // Without the file nothing more is known.
  }
}
