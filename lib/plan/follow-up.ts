import { z } from "zod";
import { MAX_TASKS } from "./limits.ts";
import { id, line, Metadata, text } from "./schema.ts";

// A follow-up is a task that is added to a voyage at sea, beside its plan: by the captain, or for something that came
// back of what the voyage has made. The voyage's ledger keeps it, and a plan changes nothing of it.

/** The id of a voyage's first follow-up. A plan is free to have it before, and then the next free number is taken. */
export const FIRST_FOLLOW_UP = 900_001;
export const MAX_FOLLOW_UPS = 1_000;
/** The most characters of a follow-up's description, in which may stand what a forge or a command has said. */
export const MAX_FOLLOW_UP_TEXT = 64 * 1024;

const { check, rehearsal, touches, source } = Metadata.shape;

/** What is asked of the helm, so that it adds a task. */
export const FollowUp = z.strictObject({
  subject: line.max(1000).regex(/^\P{Cc}*$/u, "must be one line"),
  description: text.max(MAX_FOLLOW_UP_TEXT),
  /** The tasks that it waits for, which the ledger must have. */
  after: z.array(id).max(MAX_TASKS).optional(),
  check,
  rehearsal,
  touches,
  source,
  /** A commit that the crew merges into the tree before the task begins, and that the task's commit holds then. */
  merges: z
    .string()
    .regex(/^[0-9a-f]{40}$/, "must be a commit's id")
    .optional(),
  /** Whether it is granted before all that is free with it, and what it waits for as well. */
  urgent: z.boolean().optional(),
  /** What it is for, in the words of who asks: the same signature never adds a second task. */
  signature: text.min(1).max(300).optional(),
});
export type FollowUp = z.infer<typeof FollowUp>;

/** The ref of the voyage's repository under which ships find a commit that a task merges in. */
export const mergedRef = (commit: string) => `refs/landing/${commit}`;

/** The commit that a task merges in, by its metadata; undefined where it merges none. */
export const mergesOf = (metadata: Record<string, unknown>): string | undefined =>
  FollowUp.shape.merges.safeParse(metadata.merges).data;
