/** One thing wrong with a plan folder. */
export type Finding = {
  /** Relative to the plan folder: `tasks/3.json`; `.` for the folder itself. */
  file: string;
  /** Where in it: `blockedBy[1]`, `metadata.check`; empty when it is the whole file. */
  field: string;
  message: string;
};

const inOrder = new Intl.Collator("en", { numeric: true }).compare;

/** Sorted by file, field, message, numbers by value, so that the same plan always gives the same text. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => inOrder(a.file, b.file) || inOrder(a.field, b.field) || inOrder(a.message, b.message));
}
