import { setTimeout as delay } from "node:timers/promises";
import type { Notice } from "../../lib/notices/events.ts";
import type { NoticeTarget } from "../../lib/notices/targets.ts";
import { type Outcome, post } from "./post.ts";
import { runCommand } from "./run-command.ts";

/** What a delivery needs from around it. */
export type Surroundings = {
  workspace: string;
  wallMs: () => number;
  /** Ends it, as the helm ends or the voyage is closed. */
  signal: AbortSignal;
  /** The waits between the tries, in milliseconds: one try more than there are waits. */
  waitsMs: readonly number[];
  /** How long one try may take. @default 10 s */
  tryMs?: number;
};

/** What became of a notice at a target. `said`: the last line of what a command has said. */
export type Delivery = Pick<Outcome, "status" | "error"> & { tries: number; seconds: number; said?: string };

/** How long one try may take. */
const TRY_MS = 10_000;
/** The waits of a notice, and those of a test, for which somebody waits. */
export const WAITS_MS = [5_000, 45_000];
export const TEST_WAITS_MS = [500, 1_500];
/** The longest wait that a receiver may ask for. */
const LONGEST_WAIT_MS = 120_000;

/** Brings a notice to a target, in three tries. Without `error` it is there. */
export async function deliver(target: NoticeTarget, notice: Notice, around: Surroundings): Promise<Delivery> {
  const began = performance.now();
  for (let tries = 1; ; tries++) {
    const outcome = await attempt(target, notice, around);
    const { retryAfterMs, ...told } = outcome;
    const waitMs = around.waitsMs[tries - 1];
    if (outcome.error === undefined || waitMs === undefined || around.signal.aborted)
      return { ...told, tries, seconds: Math.round(performance.now() - began) / 1000 };
    const asked = around.waitsMs === TEST_WAITS_MS ? 0 : Math.min(retryAfterMs ?? 0, LONGEST_WAIT_MS);
    await delay(Math.max(waitMs, asked), undefined, { signal: around.signal }).catch(() => {});
  }
}

function attempt(target: NoticeTarget, notice: Notice, around: Surroundings): Promise<Outcome & { said?: string }> {
  const signal = AbortSignal.any([around.signal, AbortSignal.timeout(around.tryMs ?? TRY_MS)]);
  const { url, command } = target;
  if (url !== undefined) return post({ ...target, url }, notice, { wallMs: around.wallMs(), signal });
  return runCommand(command ?? "", notice, { workspace: around.workspace, signal });
}
