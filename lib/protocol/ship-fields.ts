import { z } from "zod";

// The helm trusts no body of a ship: each field is as narrow as what a crew sends, each number has bounds that no
// honest one comes near, and each text a length. A body that does not fit is answered 400 with the field's name, and
// changes nothing. Texts are kept as they came, and are made harmless where they are shown (lib/base/text.ts).

export const requestId = z.string().regex(/^[\x21-\x7e]{8,64}$/);
/** The id of an incarnation, as the VM's provider gives it. */
export const Incarnation = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/);
export const taskId = z.string().regex(/^\d{1,9}$/);
/** A duration in seconds, of up to 30 years. */
export const seconds = z.number().nonnegative().max(1e9);
/** The exit code of a command, or -1 when it was not run to its end. */
export const exitCode = z.int().min(-1).max(255);
/** The end of what a check or verify.sh has printed. A crew sends the last 8 KiB. */
export const output = z.string().max(65_536);
/** The full name of a commit, as git prints it. */
export const commitId = z.string().regex(/^[0-9a-f]{40}$/);
/** The number of a task's grants, which each grant raises. */
export const epoch = z.number().int().positive();

/** What each body begins with: the request's id, which a repetition keeps, and the life of the ship that asks. */
export const caller = { requestId, incarnation: Incarnation };
/** The same, and the claim that the body is about. */
export const held = { ...caller, task: taskId, epoch };
