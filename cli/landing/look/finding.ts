import { createHash } from "node:crypto";

/** A thing in what is about to be pushed that should not be there. It never has the secret itself. */
export type Finding = {
  /** What found it: `captain` for a secret of theirs, `ship`, `big`, `submodule`, `lfs`, or a rule of the scanner. */
  rule: string;
  /** What it is, in words: `the end of your GH_TOKEN`. */
  what: string;
  /** The file as the repository names it; null for a commit's message. */
  file: string | null;
  /** The line, from 1; null where it has none. */
  line: number | null;
  /** The first commit that brings it, and the task of that commit, with its ship; null where it is no task's. */
  commit: string;
  task: string | null;
  ship: string | null;
  /**
   * What this very thing in this file is called by, when somebody says that it is to be pushed all the same. It stays
   * from one look to the next, and tells nothing of a secret.
   */
  fingerprint: string;
};

/** A finding whose task is not told yet. */
export type Found = Omit<Finding, "task" | "ship">;

/** The digest of a rule, a place and what was found there, by which it is known again. */
export const fingerprintOf = (rule: string, file: string | null, found: string): string =>
  createHash("sha256")
    .update(JSON.stringify([rule, file, found]))
    .digest("hex")
    .slice(0, 16);
