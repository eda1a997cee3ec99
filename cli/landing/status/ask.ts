import { join } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { acquireOsLock } from "../../../lib/base/os-lock.ts";
import { type LandingFile, readLanding, writeLanding } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Check, Forge, Pull, Review } from "../../forge/forge.ts";

export type Facts = NonNullable<LandingFile["facts"]>;

/** The most checks and reviews of one pull request that are written down: more than any is read for. */
const MOST = 500;
/** The most characters of a review's text that are written down. Whoever acts on it asks the forge for all of it. */
const MOST_TEXT = 4_000;
const LOCK_MS = 2_000;

/**
 * Asks the forge about each pull request of a landing.
 * @param merges  tells whether an open one can be merged, where the forge does not say it
 */
export async function askForge(
  forge: Forge,
  { pulls }: Pick<LandingFile, "pulls">,
  merges: (pull: Pull) => Promise<boolean | null>,
  tell: (text: string) => void,
): Promise<Facts> {
  const found: Facts["pulls"] = [];
  for (const { number } of pulls) {
    tell(`asking about pull request ${number}`);
    const pull = await forge.pull(number);
    const { state, isDraft, headCommit } = pull;
    const mergeable = state === "open" ? (pull.mergeable ?? (await merges(pull))) : pull.mergeable;
    const about = { number, state, isDraft, mergeable };
    // What is over is not asked about any further: nothing of it changes what is to be done.
    if (state !== "open") {
      found.push({ ...about, checks: [], reviews: [], openComments: 0 });
      continue;
    }
    const [checks, reviews, comments] = [
      await forge.checks(headCommit),
      await forge.reviews(number),
      await forge.comments(number),
    ];
    found.push({
      ...about,
      checks: checks.toSorted(failedFirst).slice(0, MOST),
      reviews: reviews
        .slice(-MOST)
        .map((review: Review) => ({ ...review, body: review.body.slice(0, MOST_TEXT).toWellFormed() })),
      openComments: comments.filter((comment) => !comment.isResolved).length,
    });
  }
  tell("");
  return { at: new Date().toISOString(), pulls: found };
}

const failedFirst = (one: Check, other: Check) => Number(other.state === "failure") - Number(one.state === "failure");

/**
 * Writes down what the forge has said, unless the landing has moved on since it was asked.
 * @returns whether that was so; a landing that is at work writes the file itself
 */
export async function noteFacts({ folder, file }: KnownVoyage, of: LandingFile, facts: Facts): Promise<boolean> {
  // The lock of `ocaptain land`: no word of one is lost to the other.
  const lock = await acquireOsLock(join(folder.root, "helm", "landing.sqlite"), { timeoutMs: LOCK_MS }).catch(
    (error: unknown) => {
      if (error instanceof OcaptainError && error.code === "LOCKED") return null;
      throw error;
    },
  );
  if (!lock) return false;
  try {
    const now = await readLanding(folder, file.voyageId);
    if (!now || now.pushed.at(-1)?.at !== of.pushed.at(-1)?.at) return false;
    await writeLanding(folder, { ...now, facts });
    return true;
  } finally {
    lock.release();
  }
}
