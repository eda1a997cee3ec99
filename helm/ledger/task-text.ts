import type { PlanTask } from "../../lib/plan/types.ts";

/** The text of a task as the ledger keeps it. The order of keys does not count: equal tasks have equal texts. */
export function taskText(task: PlanTask): string {
  return JSON.stringify(task, (_, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
