import { createHash } from "node:crypto";
import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { Check, Forge, Pull, Review, ReviewComment } from "../../forge/forge.ts";

/** What a pull request was given back for. */
type Cause =
  | { kind: "check"; check: Check; log: string | null }
  | { kind: "review"; review: Review }
  | { kind: "comment"; comment: ReviewComment };

/**
 * One thing that has come back. `signature` is of this thing alone; `subject` is of what it is about, a check or a
 * reviewer, which may come back anew after it was mended; null for what cannot.
 */
export type Returned = { pull: Pull; signature: string; subject: string | null } & Cause;

/** What has come back, and what is left out: of whom may not write to the repository, and what is not decided yet. */
export type CameBack = { returned: Returned[]; strangers: string[]; pending: string[] };

/**
 * Asks the forge what has come back of the voyage's open pull requests: failed checks, the newest verdict of each
 * reviewer who wants changes, and comments on lines and files that nobody has resolved.
 */
export async function cameBack(forge: Forge, { pulls }: Pick<LandingFile, "pulls">, fromAnyone: boolean): Promise<CameBack> {
  const found: CameBack = { returned: [], strangers: [], pending: [] };
  for (const { number } of pulls) {
    const pull = await forge.pull(number);
    if (pull.state !== "open") continue;
    await lookAtChecks(forge, pull, found);
    const isHeard = ({ author, mayWrite }: { author: string; mayWrite: boolean }) => {
      if (!mayWrite && !fromAnyone) found.strangers.push(author);
      return mayWrite || fromAnyone;
    };
    // What a reviewer has said on lines comes as comments.
    for (const review of verdicts(await forge.reviews(number)))
      if (review.state === "changes-requested" && review.body.trim() !== "" && isHeard(review))
        found.returned.push({
          ...{ pull, kind: "review", review, signature: `review:${number}:${digest(review.id)}` },
          subject: `review:${number}:${digest(review.author)}`,
        });
    for (const comment of await forge.comments(number))
      if (comment.path !== null && !comment.isResolved && isHeard(comment))
        found.returned.push({
          ...{ pull, kind: "comment", comment, signature: `comment:${number}:${digest(comment.id)}`, subject: null },
        });
  }
  return found;
}

async function lookAtChecks(forge: Forge, pull: Pull, found: CameBack): Promise<void> {
  for (const check of await forge.checks(pull.headCommit)) {
    if (check.state === "pending") found.pending.push(check.name);
    if (check.state !== "failure") continue;
    const subject = `check:${pull.number}:${digest(check.name)}`;
    const log = await forge.jobLog(check);
    found.returned.push({ pull, kind: "check", check, log, subject, signature: `${subject}:${pull.headCommit}` });
  }
}

/** The newest verdict of each reviewer. One who has only commented since has not taken an earlier verdict back. */
function verdicts(reviews: readonly Review[]): Review[] {
  const newest = new Map<string, Review>();
  for (const review of [...reviews].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)))
    if (review.state !== "commented") newest.set(review.author, review);
  return [...newest.values()];
}

/** A name or an id of the forge in few characters, whatever it is. */
const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 24);
