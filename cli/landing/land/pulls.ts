import { OcaptainError } from "../../../lib/base/errors.ts";
import type { Forge, Pull } from "../../forge/forge.ts";
import type { Head } from "./heads.ts";
import type { Record } from "./record.ts";

/** A pull request as it is after a landing: `news` says what this landing has done to it. */
export type Landed = { pull: Pull; head: Head; news: "made" | "updated" | "as it was" | "closed" | "merged" };

/** What is asked of the pull requests, beside their heads. */
export type PullsAsk = {
  heads: readonly Head[];
  /** The title that was typed, in place of the one that is made. */
  title: string | undefined;
  ready: boolean;
  reviewers: readonly string[];
  labels: readonly string[];
  /** Writes the title and the text of one, within the text that people have left in it. */
  textOf(head: Head, old: string, known: readonly Landed[]): Promise<{ title: string; body: string }>;
};

/**
 * Makes a pull request for each head, or updates the open one. One that somebody has closed is not opened again while
 * it has nothing new, and one that was merged is left alone.
 */
export async function landPulls(forge: Forge, record: Record, ask: PullsAsk): Promise<Landed[]> {
  const landed: Landed[] = [];
  for (const head of ask.heads) {
    const one = await landPull(forge, head, ask, landed);
    landed.push(one);
    const { number, url } = one.pull;
    await record.pull({ number, url, branch: head.branch, base: head.base, ...(head.wave && { wave: head.wave }) });
  }
  // The texts of a stack name all of it, which is known only now.
  if (landed.length > 1)
    for (const [nth, one] of landed.entries())
      if (one.pull.state === "open")
        landed[nth] = { ...one, pull: await updated(forge, one.pull, one.head, { ...ask, title: undefined }, landed) };
  for (const { pull, news } of landed) {
    if (news === "closed" || news === "merged") continue;
    if (ask.reviewers.length > 0) await forge.askReviewers(pull.number, ask.reviewers);
    if (ask.labels.length > 0) await forge.addLabels(pull.number, ask.labels);
  }
  return landed;
}

async function landPull(forge: Forge, head: Head, ask: PullsAsk, known: readonly Landed[]): Promise<Landed> {
  const found = await forge.findPull(head.branch);
  if (found?.state === "open") return goOn(forge, found, head, ask, known);
  if (found?.headCommit === head.head) return { pull: found, head, news: found.state === "merged" ? "merged" : "closed" };
  const { title, body } = await ask.textOf(head, "", known);
  const { branch, base } = head;
  try {
    const pull = await forge.createPull({
      head: branch,
      base,
      title: titleOf(ask.title, head) ?? title,
      body,
      draft: !ask.ready,
    });
    return { pull, head, news: "made" };
  } catch (error) {
    // A landing that was cut short, or somebody else, may have made it just now.
    const now = error instanceof OcaptainError && error.code === "FORGE_REFUSED" ? await forge.findPull(head.branch) : null;
    if (now?.state !== "open") throw error;
    return goOn(forge, now, head, ask, known);
  }
}

async function goOn(forge: Forge, found: Pull, head: Head, ask: PullsAsk, known: readonly Landed[]): Promise<Landed> {
  const pull = await updated(forge, found, head, ask, known);
  return { pull, head, news: pull === found ? "as it was" : "updated" };
}

/** Brings an open pull request to what it is to be. The title stays as people have left it, unless one is typed. */
async function updated(forge: Forge, found: Pull, head: Head, ask: PullsAsk, known: readonly Landed[]): Promise<Pull> {
  const { body } = await ask.textOf(head, found.body, known);
  const title = titleOf(ask.title, head);
  const change = {
    ...(title !== undefined && title !== found.title && { title }),
    ...(body !== found.body && { body }),
    ...(found.base !== head.base && { base: head.base }),
    ...(ask.ready && found.isDraft && { draft: false }),
  };
  return Object.keys(change).length > 0 ? forge.updatePull(found.number, change) : found;
}

/** The title that was typed; in a stack with the number of its wave. */
const titleOf = (typed: string | undefined, { wave }: Head): string | undefined =>
  typed === undefined || wave === undefined ? typed : `${typed} (${wave})`;

/**
 * Has the forge merge the pull requests, the lowest first, by its own rules. Each is then to be merged into the base
 * itself, as the branch of the one below it is in there.
 */
export async function mergePulls(forge: Forge, landed: readonly Landed[], base: string): Promise<Landed[]> {
  const merged: Landed[] = [];
  for (const one of landed) {
    if (one.pull.state !== "open") {
      merged.push(one);
      continue;
    }
    const { number, isDraft, base: now } = one.pull;
    const change = { ...(isDraft && { draft: false }), ...(now !== base && { base }) };
    if (Object.keys(change).length > 0) await forge.updatePull(number, change);
    merged.push({ ...one, pull: await forge.merge(number, { commit: one.head.head }), news: "merged" });
  }
  return merged;
}
