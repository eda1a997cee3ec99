import type { Check, ForgePlace, Review } from "../../lib/voyage/landing-file.ts";

export type { ForgeKind } from "../../lib/voyage/forge-setting.ts";
export type { Check, ForgePlace, Review } from "../../lib/voyage/landing-file.ts";

/** A pull request. */
export type Pull = {
  number: number;
  url: string;
  state: "open" | "closed" | "merged";
  isDraft: boolean;
  title: string;
  body: string;
  /** The branch that it would bring. */
  head: string;
  headCommit: string;
  /** The branch into which it would be merged. */
  base: string;
  /** Whether it can be merged without a conflict; null while the forge has not worked it out. */
  mergeable: boolean | null;
};

/** A remark of a review. Its line is null where it is on a whole file, or on a line that is gone. */
export type ReviewComment = {
  id: string;
  author: string;
  mayWrite: boolean;
  path: string | null;
  line: number | null;
  body: string;
  at: string;
  isResolved: boolean;
};

export type NewPull = { head: string; base: string; title: string; body: string; draft: boolean };
export type PullChange = { title?: string; body?: string; draft?: boolean; base?: string };

/**
 * One repository on a forge, as the captain may use it. All that it returns was checked and bounded, and is data of
 * strangers all the same.
 *
 * Each call throws an OcaptainError that says what was asked of which repository: FORGE_AUTH, FORGE_PERMISSION,
 * FORGE_NOT_FOUND, FORGE_REFUSED, FORGE_LIMIT, FORGE_AWAY, or FORGE_ANSWER for an answer that is not what a forge's is.
 */
export interface Forge {
  readonly place: ForgePlace;
  defaultBranch(): Promise<string>;
  /** Finds the newest open pull request of a branch, else its newest; null where it has none. */
  findPull(head: string, base?: string): Promise<Pull | null>;
  pull(number: number): Promise<Pull>;
  createPull(ask: NewPull): Promise<Pull>;
  updatePull(number: number, ask: PullChange): Promise<Pull>;
  askReviewers(number: number, users: readonly string[]): Promise<void>;
  /** Adds labels to those that are there. */
  addLabels(number: number, labels: readonly string[]): Promise<void>;
  /** Merges it by the forge's own rules. It is refused where the branch's commit is not this one. */
  merge(number: number, ask: { commit: string }): Promise<Pull>;
  checks(commit: string): Promise<Check[]>;
  reviews(number: number): Promise<Review[]>;
  comments(number: number): Promise<ReviewComment[]>;
  /** The last lines of what a failed check has printed, bounded; null where the forge has none to give. */
  jobLog(check: Check): Promise<string | null>;
}
