import type { ReportFacts, Setback, TaskFacts } from "../../cli/report/facts/facts.ts";
import type { Usage } from "../../lib/protocol/ship-reports.ts";

// Facts of voyages as a report has them, to write pull requests of.

export const AT = "2026-11-28T10:00:00.000Z";
export const after = (seconds: number) => new Date(Date.parse(AT) + seconds * 1000).toISOString();
export const commitOf = (id: string) => id.padStart(4, "0").repeat(10);
export const usage = (costUsd: number, more: Partial<Usage> = {}): Usage => ({
  ...{ costUsd, inputTokens: 1_000, outputTokens: 100, cacheReadTokens: 0, cacheCreationTokens: 0, turns: 3, seconds: 60 },
  ...more,
});

export const task = (id: string, subject: string, more: Partial<TaskFacts> = {}): TaskFacts => ({
  ...{ id, subject, status: "accepted", blockedBy: [], ship: "ship-0", commit: commitOf(id), check: null, summary: null },
  ...{ reason: null, grants: 1, seconds: 60, acceptedAt: after(60), usage: null, thrownAwayUsd: 0, budgetUsd: null },
  ...{ change: { files: 1, insertions: 4, deletions: 1 }, outside: null, isCritical: false },
  ...more,
});
export const setback = (is: Setback["is"], task: string | null, text: string, more: Partial<Setback> = {}): Setback => ({
  ...{ at: AT, is, task, ship: "ship-1", epoch: 1, text, more: null },
  ...more,
});
const ship = (name: string): ReportFacts["ships"][number] => ({
  ...{ ship: name, state: null, lives: 1, cutOff: 0, accepted: 1, usage: null, segments: [], marks: [] },
  seconds: { work: 60, free: 1, away: 0, unknown: 0 },
});

type More = Partial<Omit<ReportFacts, "voyage">> & { voyage?: Partial<ReportFacts["voyage"]> };

/** A voyage of these tasks, verified, by a rehearsal on two ships; `waves` are those of its graph. */
export function facts(tasks: TaskFacts[], waves: string[][], { voyage, ...more }: More = {}): ReportFacts {
  const tip = tasks.at(-1)?.commit ?? null;
  return {
    voyage: {
      ...{ id: "abc123", stack: "voyage-quay", name: "quay", purpose: "A quay where boats can be moored" },
      ...{ objective: null, spec: "", state: "verified", sunkAs: null, createdAt: AT, sunkAt: null, asOf: after(600) },
      ...{ branch: "voyage-quay", tip, hand: "rehearsal", model: null, repository: null, sailedBy: "ocaptain" },
      reportedBy: "0.1.0",
      ...voyage,
    },
    period: { from: AT, to: after(600), work: { from: AT, to: after(312) }, knownFrom: AT },
    ...{ tasks, ships: [ship("ship-0"), ship("ship-1")], holds: [] },
    graph: { criticalPath: [], criticalSeconds: null, by: "tasks", waves },
    spend: {
      ...{ total: null, budgetUsd: null, withoutTask: null, deliveredUsd: 0, openUsd: 0, askedUsd: 0 },
      ...{ thrownAway: { usd: 0, by: [] }, byModel: [] },
    },
    delivery: { commits: tasks.length, change: { files: 12, insertions: 340, deletions: 21 }, base: "f".repeat(40) },
    verification: {
      script: "npm test\n",
      runs: [
        {
          ...{ epoch: 1, ship: "ship-1", commit: tip, at: after(300), seconds: 12, end: "passed", exitCode: 0 },
          lastLines: "12 tests passed\nall is well\n",
        },
      ],
      now: tip === null ? null : { commit: tip, exitCode: 0, at: after(312) },
    },
    ...{ landed: [], setbacks: [], events: { total: 0, whole: true, shown: [] }, unknown: [] },
    ...more,
  };
}
