/** One thing that is wrong with a plan folder. */
export type PlanFinding = {
  /** The file's path in the plan folder, such as `tasks/3.json`, or `.` for the folder itself. */
  file: string;
  /** The field in the file, such as `blockedBy[1]` or `metadata.check`. It is empty when the whole file is meant. */
  field: string;
  message: string;
};

const inOrder = new Intl.Collator("en", { numeric: true }).compare;

/** Sorts findings by file, field and message, with numbers by their value: the same plan always gives the same text. */
export function sortFindings<T extends PlanFinding>(findings: readonly T[]): T[] {
  return [...findings].sort((a, b) => inOrder(a.file, b.file) || inOrder(a.field, b.field) || inOrder(a.message, b.message));
}
