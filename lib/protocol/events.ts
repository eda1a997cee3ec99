import { z } from "zod";

/**
 * What happened in a voyage, as its ledger keeps it: each event is written in the same write as the change that it
 * tells of. Events are only ever added, and `seq` rises for ever.
 *
 * - Of the voyage: `voyage-registered` (by each `up`; data: `tasks`, and `first` at the first one), `plan-changed`
 *   (data: how many tasks were `added`, `updated` and `cancelled`), `task-added` (after the first plan, whose tasks
 *   `voyage-registered` counts; data: `followUp` for one beside the plan), `task-cancelled`,
 *   `budget-changed` (data: `fromUsd`, `toUsd`), `budget-spent` (data: `costUsd`, `budgetUsd`), `paused` (data:
 *   `giveBackAt`), `resumed`, `limit-begun` (of `ship`; data: `until`), `limit-over`, `helm-started`,
 *   `voyage-deregistered`.
 * - Of a ship: `ship-registered` (data: `incarnation`, `life`), `ship-hello`, `ship-away` (its crew has said goodbye),
 *   `ship-woken` (the helm has started its crew), `ship-fenced`, `ship-forgotten`, `ship-unfit`, `ship-fit`.
 * - Of a task: `task-granted`, `task-accepted` (data: `commit`, `seconds`), `task-given-back` (by its ship; data:
 *   `failed`, `fault`, `tries`), `task-released` (taken from its ship; data: `lost`), `task-blocked`, `task-retried`,
 *   `task-asked`, `task-answered`, `merge-conflict` (data: `files`, `count`), `check-failed`, `rescued` (data: `ref`).
 * - Of verify.sh: `verification-granted`, `verification-passed`, `verification-failed`, `verification-dropped` (data:
 *   `commit`, and `exitCode` where there is one); the same of runs at commits that the captain has named, which say
 *   nothing of the voyage: `probe-asked`, `probe-granted`, `probe-ended`, `probe-dropped` (it waits again, or was
 *   cancelled).
 */
export const EventKind = z.enum([
  "voyage-registered",
  "plan-changed",
  "task-added",
  "task-cancelled",
  "ship-registered",
  "ship-hello",
  "ship-away",
  "ship-woken",
  "ship-fenced",
  "ship-forgotten",
  "ship-unfit",
  "ship-fit",
  "task-granted",
  "task-accepted",
  "task-given-back",
  "task-released",
  "task-blocked",
  "task-retried",
  "task-asked",
  "task-answered",
  "merge-conflict",
  "check-failed",
  "rescued",
  "verification-granted",
  "verification-passed",
  "verification-failed",
  "verification-dropped",
  "probe-asked",
  "probe-granted",
  "probe-ended",
  "probe-dropped",
  "limit-begun",
  "limit-over",
  "budget-spent",
  "budget-changed",
  "paused",
  "resumed",
  "helm-started",
  "voyage-deregistered",
]);
export type EventKind = z.infer<typeof EventKind>;

export const VoyageEvent = z.object({
  seq: z.int().positive(),
  /** By the helm's clock, as ISO 8601. */
  at: z.string(),
  kind: EventKind,
  task: z.string().optional(),
  ship: z.string().optional(),
  /** Of the task's claim, or of the run of verify.sh. */
  epoch: z.int().optional(),
  /** Why, in the words of whoever knows it. It may be a ship's or an agent's text, cut to its beginning. */
  reason: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});
export type VoyageEvent = z.infer<typeof VoyageEvent>;

/** Events after a `seq`, the oldest first. */
export const VoyageEvents = z.object({
  events: z.array(VoyageEvent),
  /** The newest `seq` that there is; 0 where nothing has happened. */
  last: z.int().nonnegative(),
  /**
   * Whether all that ever happened is there, if one reads on from the beginning. It is not where a helm of earlier code
   * has sailed the voyage, or so much has happened that the oldest events are gone.
   */
  whole: z.boolean(),
});
export type VoyageEvents = z.infer<typeof VoyageEvents>;

/** How many events one question is answered with at most, and how many where it does not say. */
export const MOST_EVENTS = 5_000;
export const EVENTS = 1_000;

/** The columns of the ledger's table `events`. */
export type EventRow = {
  seq: number;
  at: string;
  kind: EventKind;
  task: string | null;
  ship: string | null;
  epoch: number | null;
  reason: string | null;
  data: string | null;
};

/**
 * Makes an answer of rows of the ledger.
 *
 * @param ends  the first row that the ledger has, and the number of its last
 */
export function eventsOf(rows: readonly EventRow[], ends: { first: EventRow | undefined; last: number }): VoyageEvents {
  const first = ends.first && eventOf(ends.first);
  return {
    events: rows.map(eventOf),
    last: ends.last,
    whole: first?.kind === "voyage-registered" && first.data?.first === true,
  };
}

const eventOf = ({ seq, at, kind, data, ...about }: EventRow): VoyageEvent => ({
  ...{ seq, at, kind },
  ...(Object.fromEntries(Object.entries(about).filter(([, value]) => value !== null)) as Partial<VoyageEvent>),
  ...(data !== null && { data: JSON.parse(data) as Record<string, unknown> }),
});
