import { counted } from "../../lib/base/counted.ts";
import type { GraphView } from "./graph-view.ts";

/** A length as people read it: `40 minutes`, `1 h 20 min`, `7 turns`. */
export function lengthText(length: number, unit: GraphView["unit"]): string {
  if (unit === "turns") return counted(length, "turn");
  const minutes = Math.round(length);
  if (minutes < 1) return "less than a minute";
  return minutes < 120
    ? counted(minutes, "minute")
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** The rows of the table of ships: the time with each number of them, and what the last one gains. */
export function shipRows({ worthwhile: { makespans, ships, least } }: GraphView): {
  ships: number;
  makespan: number;
  /** The part of the time with one ship fewer by which this is shorter; null for the first ship. */
  gain: number | null;
  recommended: boolean;
}[] {
  // Past the first number that is as fast as any can be there is nothing to tell; and one past what is recommended says
  // what it is compared with.
  const fastest = makespans.findIndex((makespan) => makespan <= least);
  const shown = makespans.slice(0, Math.max(ships + 1, fastest + 1));
  return shown.map((makespan, i) => ({
    ships: i + 1,
    makespan,
    gain: i === 0 ? null : 1 - makespan / shown[i - 1]!,
    recommended: i + 1 === ships,
  }));
}

/** Says by what lengths the figures were made. */
export function basis({ estimates: { estimated, others } }: GraphView): string {
  if (estimated === "plan") return "by the plan's estimateMinutes";
  const rest = { earlier: "what tasks of your earlier voyages took", median: "the median of those", equal: "" }[others];
  if (estimated === "some") return `by the plan's estimateMinutes, and for tasks without one by ${rest}`;
  return others === "equal"
    ? "with a turn for each task, as none has estimateMinutes"
    : `by ${rest}, as no task has estimateMinutes`;
}
