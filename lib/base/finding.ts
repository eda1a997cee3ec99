/** One reason why a voyage cannot sail. */
export type PreflightFinding = {
  /** The thing that was looked at: `git`, `repository`, `port 4318`. */
  what: string;
  message: string;
  /** A command or an edit that helps. */
  hint: string;
};
