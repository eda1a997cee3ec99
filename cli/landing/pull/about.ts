/** What a pull request brings, beside the facts of its voyage. */
export type PullAbout = {
  how: "per-task" | "squash" | "stack";
  /** Whether it lands without a verification of what it brings. */
  unverified: boolean;
  /** The commit that verify.sh has passed on; null where there is none. */
  verifiedCommit: string | null;
  /** Of a stack: which wave of how many this is, the ids of its tasks, and the pull requests of all waves by now. */
  part?: { wave: number; of: number; tasks: readonly string[]; pulls: readonly { wave: number; number: number; url: string }[] };
  /** An address at which the page of `ocaptain report` can be read; absent where it was put nowhere. */
  report?: string;
  /** The most characters of the body. */
  limit: number;
};

/** How much is told. The first is all of it; each next one leaves out what a reviewer misses least. */
export type Measure = {
  graph: number;
  summary: number;
  setbacks: number;
  checks: boolean;
  lines: number;
  rows: number;
  subject: number;
  objective: number;
};
