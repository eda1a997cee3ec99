import type { Io } from "../output/io.ts";

/**
 * A verb as it is typed. Its code is loaded when it runs, by an import in `run`: `status` need not read the code of
 * `shell`.
 */
export type Verb = {
  /** The verb and its words, as help shows them: `logs [voyage]`. */
  usage: string;
  summary: string;
  /** Command lines, as they can be typed. */
  examples: readonly string[];
  /** Flags and what they do; `--json` is every verb's. */
  options?: readonly (readonly [flags: string, what: string])[];
  /** Whether it works for minutes: its progress and remarks are then told beside JSON, too. */
  isLong?: true;
  /** Whether it runs where its group is typed without one of its verbs. */
  isDefault?: boolean;
  /** @returns an exit status, or nothing, which is 0 */
  run(io: Io, words: readonly Word[], options: Values): Promise<number | undefined> | Promise<void>;
};

/** A verb that has verbs of its own below it: `ocaptain plan check`. */
export type VerbGroup = Pick<Verb, "usage" | "summary" | "examples"> & { verbs: readonly Verb[] };

/** A word of the command line; undefined where it may be left out and was. */
type Word = string | undefined;
/** What the options say. A verb's own function says of which type each is, as it must agree with its flags. */
type Values = Record<string, never>;
