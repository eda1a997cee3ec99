import { z } from "zod";
import { commitId, exitCode, output } from "./ship-fields.ts";

/**
 * A *probe* is a run of the plan's verify.sh, in a fresh checkout of a commit of the voyage's branch, which the captain
 * has asked for to find out where it began to fail. It says nothing of the voyage: `verified` knows the runs that the
 * helm gives out by itself, and these alone.
 */

/** How many probes may wait or be under way at a time: one is asked for when the answer to another is known. */
export const MOST_OPEN_PROBES = 64;

export const AskProbe = z.object({
  commit: commitId,
  /** The ships that are to have it only when no other takes it within a heartbeat. */
  later: z.array(z.string().min(1).max(100)).max(1_000).optional(),
});
export type AskProbe = z.infer<typeof AskProbe>;

/**
 * - `waiting`: no ship has it; none has had it yet, or the one that had is gone or could not run it.
 * - `claimed`: `ship` runs it.
 * - `done`: it has an exit code, which is -1 when no ship came to its end.
 * - `cancelled`: it was taken back before it was run, by the captain or by another verify.sh.
 */
export const ProbeStatus = z.enum(["waiting", "claimed", "done", "cancelled"]);
export type ProbeStatus = z.infer<typeof ProbeStatus>;

export const ProbeRow = z.object({
  probe: z.int().positive(),
  commit: commitId,
  status: ProbeStatus,
  /** The ship that has it, or had it last. */
  ship: z.string().nullable(),
  exitCode: exitCode.nullable(),
  /** How often it was given to a ship that did not come to its end. */
  lost: z.int().nonnegative(),
  /** Why it went back to those that wait, or was cancelled. */
  reason: z.string().nullable(),
  /** When it was last changed, as ISO 8601. */
  at: z.string(),
});
export type ProbeRow = z.infer<typeof ProbeRow>;

/** The same with the end of what verify.sh has printed, once it is done. */
export const ProbeResult = ProbeRow.extend({ output: output.nullable() });
export type ProbeResult = z.infer<typeof ProbeResult>;

/** What is known of a commit by a run of the verify.sh that the plan has now: as the voyage's own, or as a probe. */
export const KnownAnswer = z.object({
  of: z.enum(["verification", "probe"]),
  run: z.int().positive(),
  commit: commitId,
  exitCode,
  ship: z.string().nullable(),
});
export type KnownAnswer = z.infer<typeof KnownAnswer>;

/** The probes that wait or are under way, and all that is known of commits, the oldest first. */
export const Probes = z.object({ open: z.array(ProbeRow), known: z.array(KnownAnswer) });
export type Probes = z.infer<typeof Probes>;
