import type { PlanFinding } from "../../lib/plan/findings.ts";

/** Writes findings as lines that a test can compare: `tasks/3.json blockedBy[1]: there is no task "9"`. */
export function formatFindings(findings: readonly PlanFinding[]): string {
  return findings.map(({ file, field, message }) => `${file}${field && ` ${field}`}: ${message}`).join("\n");
}
