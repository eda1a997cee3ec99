import { medianOf } from "../../lib/plan/estimates.ts";
import { readLedger } from "../../lib/plan/read-ledger.ts";
import { allVoyages } from "../../lib/watch/known.ts";

/** From fewer tasks than this nothing is concluded: one that waited for a night would say what all of them take. */
const LEAST_TASKS = 5;

/** What the tasks of earlier voyages took: the median of so many tasks, in minutes. */
export type Earlier = { minutes: number; tasks: number; voyages: number };

/**
 * How long the accepted tasks of this captain's voyages took, by their ledgers; undefined when these tell too little.
 * Voyages of the hand `claude` count alone, unless they are too few: a rehearsal's commands say little of an agent's
 * work. A ledger that cannot be read is left out.
 */
export async function earlierTasks(): Promise<Earlier | undefined> {
  const { known } = await allVoyages();
  const ledgers = known.flatMap(({ folder }) => ledgerOf(folder.ledger));
  return (
    summaryOf(ledgers.filter(({ hand }) => hand === "claude").map(({ taken }) => taken)) ??
    summaryOf(ledgers.map(({ taken }) => taken))
  );
}

function ledgerOf(file: string): { hand: string; taken: number[] }[] {
  try {
    return readLedger(file, (ledger) => [{ hand: ledger.meta("hand"), taken: ledger.taken() }]) ?? [];
  } catch {
    return [];
  }
}

function summaryOf(voyages: readonly number[][]): Earlier | undefined {
  const told = voyages.filter((taken) => taken.length > 0);
  const all = told.flat();
  if (all.length < LEAST_TASKS) return undefined;
  return { minutes: medianOf(all)! / 60, tasks: all.length, voyages: told.length };
}
