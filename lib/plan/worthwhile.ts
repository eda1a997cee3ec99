import { criticalPath } from "./critical-path.ts";
import { MAX_SHIPS } from "./limits.ts";
import { makespanOf, simulator, type TimedNode } from "./schedule.ts";

/** The least part of the time by which another ship must shorten a voyage to be worth it. */
export const WORTH = 0.05;

/** What a plan gains by more ships. */
export type Worthwhile = {
  /**
   * The recommended number of ships: the smallest past which no number of further ships shortens the voyage by 5 % a
   * ship. It is 0 for a plan without tasks.
   */
  ships: number;
  /** The simulated time with 1, 2, … ships, as far as it was needed to know that. */
  makespans: number[];
  /** The time that no number of ships falls below: that of the critical path. */
  least: number;
  /** Whether the times take into account what tasks touch, which where that is too much they do not. */
  followsTouches: boolean;
};

/**
 * Simulates a plan with 1, 2, … ships, until more can gain nothing that is worth it. A single step without a gain does
 * not end it: of 8 equal tasks a fifth ship gains nothing, and 8 ships halve the time of 4.
 *
 * @throws OcaptainError CYCLE when the graph has a cycle
 */
export function worthwhile(nodes: readonly TimedNode[]): Worthwhile {
  const lengths = new Map(nodes.map(({ id, length }) => [id, length]));
  const lengthOf = (id: string) => lengths.get(id)!;
  const least = criticalPath(nodes, lengthOf).reduce((sum, id) => sum + lengthOf(id), 0);
  const work = nodes.reduce((sum, { length }) => sum + length, 0);
  const { run, followsTouches } = simulator(nodes);
  const makespans: number[] = [];
  let ships = 0;
  for (let count = 1; count <= Math.min(nodes.length, MAX_SHIPS); count++) {
    const makespan = makespanOf(run(count));
    makespans.push(makespan);
    const best = makespans[ships - 1];
    if (best === undefined || makespan <= best * (1 - WORTH) ** (count - ships)) ships = count;
    if (!canGain(ships, makespans[ships - 1]!, count)) break;
  }
  return { ships, makespans, least, followsTouches };

  /** Whether some number of ships above `count` could be worth it, by what no schedule can fall below. */
  function canGain(than: number, makespan: number, count: number): boolean {
    for (let more = count + 1; more <= nodes.length; more++) {
      const wanted = makespan * (1 - WORTH) ** (more - than);
      if (wanted < least) return false;
      if (Math.max(least, work / more) <= wanted) return true;
    }
    return false;
  }
}
