/** One reason why a voyage cannot sail. */
export type PreflightFinding = {
  /** The thing that was looked at, such as `git`, `repository` or `port 4318`. */
  what: string;
  message: string;
  /** A command or an edit that helps. */
  hint: string;
};
