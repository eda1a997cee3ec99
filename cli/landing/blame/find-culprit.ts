import { OcaptainError } from "../../../lib/base/errors.ts";
import type { KnownAnswer, ProbeRow } from "../../../lib/protocol/probes.ts";
import type { ShipRow, VoyageStatus } from "../../../lib/protocol/status.ts";
import type { Place, SearchedBranch } from "./branch.ts";
import { type Asking, ableShips, runProbe, shipsToAsk } from "./run-probe.ts";
import { type Answers, type Next, nextStep, onceMore } from "./search.ts";

/** An answer about a place on the branch. */
export type Answer = KnownAnswer & { place: Place };

/**
 * What a search has come to (cli/landing/blame/search.ts): `runs` were made for it, `again` of them once more for what
 * was found, and `answers` are all that is known of the branch.
 */
export type Verdict = Exclude<Next, { kind: "run" }> & { runs: number; again: number; ships: string[]; answers: Answer[] };

/** What a search is told of while it goes on. */
export type Progress = {
  /** A ship has begun a run, or the run waits for a ship. */
  changed(place: Place, row: ProbeRow): void;
  ended(place: Place, answer: { ship: string | null; exitCode: number }): void;
  /** What was found is run once more, or is not, since every ship is at work. */
  onceMore(places: readonly Place[], isDone: boolean): void;
};

export type Wish = {
  branch: SearchedBranch;
  /** A place that the captain calls good. */
  good?: Place | undefined;
  /** Whether what earlier searches have learnt counts. */
  usesEarlier: boolean;
  /** Whether what is found is run once more. */
  makesSure: boolean;
};

/**
 * Searches the branch for the commit that breaks verify.sh, one run after the other, each on the ship that has made the
 * fewest. What is found is run once more by other ships, both at a time, since a verify.sh that answers by chance names
 * anybody.
 * @throws OcaptainError AFRESH when verify.sh is not known to fail at the tip any more
 */
export async function findCulprit(asking: Asking, wish: Wish, progress: Progress): Promise<Verdict> {
  const { branch } = wish;
  const before = await asking.helm.probes(asking.file.voyageId);
  const isEarlier = new Set(wish.usesEarlier ? [] : before.known.filter(({ of }) => of === "probe").map(({ run }) => run));
  const made = new Set<number>();
  const placeOf = new Map(branch.places.map((place) => [place.commit, place]));

  const answersNow = async (): Promise<Answer[]> => {
    const { known } = await asking.helm.probes(asking.file.voyageId);
    return known.flatMap((answer) => {
      const place = placeOf.get(answer.commit);
      // Without an end there is no answer.
      return place && answer.exitCode !== -1 && !(answer.of === "probe" && isEarlier.has(answer.run))
        ? [{ ...answer, place }]
        : [];
    });
  };
  const run = async (at: number, answers: readonly Answer[], isAgain: boolean, signal = asking.signal) => {
    const place = branch.places[at]!;
    const able = shipsToAsk(await asking.helm.voyage(asking.file.voyageId), asking.file);
    const later = isAgain ? whoAnswered(answers, at) : busierOnes(able, answers, made);
    const ask = { commit: place.commit, later };
    const { probe, ship, exitCode } = await runProbe({ ...asking, signal }, ask, (row) => progress.changed(place, row));
    made.add(probe);
    progress.ended(place, { ship, exitCode: exitCode! });
  };

  let again = 0;
  for (;;) {
    const answers = await answersNow();
    assertTipFailed(answers, branch.last, asking.file.stack);
    const next = nextStep(branch.last, tally(answers), wish.good?.at);
    const of = answers.filter(({ run }) => made.has(run));
    const ships = [...new Set(of.flatMap(({ ship }) => (ship === null ? [] : [ship])))].sort();
    const verdict = { runs: of.length - again, again, ships, answers };
    if (next.kind === "run") {
      await run(next.at, answers, false);
      continue;
    }
    const twice = next.kind === "found" && wish.makesSure && again === 0 ? onceMore(next, tally(answers)) : [];
    if (twice.length === 0) return { ...next, ...verdict };
    const isIdle = hasIdleShip(await asking.helm.voyage(asking.file.voyageId));
    progress.onceMore(
      twice.map((at) => branch.places[at]!),
      isIdle,
    );
    if (!isIdle) return { ...next, ...verdict };
    await allOrNone(asking.signal, twice, (at, signal) => run(at, answers, true, signal));
    again = twice.length;
  }
}

/** An `up` has verify.sh run anew at the tip, maybe another one: until that has failed too, nobody is to blame. */
function assertTipFailed(answers: readonly Answer[], last: number, stack: string): void {
  if (answers.some(({ place, exitCode }) => place.at === last && exitCode !== 0)) return;
  throw new OcaptainError(
    "AFRESH",
    `verify.sh of voyage "${stack}" is run afresh at the tip, since the voyage was sailed or verified anew meanwhile`,
    { hint: `ocaptain wait ${stack}  # where it fails again: ocaptain blame ${stack}` },
  );
}

/** Does all of it at a time; when one fails, the others are given up. */
async function allOrNone<T>(signal: AbortSignal, all: readonly T[], job: (each: T, signal: AbortSignal) => Promise<void>) {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const stop = (error: unknown) => {
    failed.abort(error);
    throw error;
  };
  await Promise.all(all.map((each) => job(each, either).catch(stop)));
}

function tally(answers: readonly Answer[]): Map<number, Answers> {
  const known = new Map<number, Answers>();
  for (const { place, exitCode } of answers) {
    const { passed, failed } = known.get(place.at) ?? { passed: 0, failed: 0 };
    known.set(place.at, exitCode === 0 ? { passed: passed + 1, failed } : { passed, failed: failed + 1 });
  }
  return known;
}

/** The ships that have made more runs of this search than another that could make the next one. */
function busierOnes(able: readonly ShipRow[], answers: readonly Answer[], made: ReadonlySet<number>): string[] {
  const runs = (ship: string) => answers.filter((answer) => answer.ship === ship && made.has(answer.run)).length;
  const fewest = Math.min(...able.map(({ ship }) => runs(ship)));
  return able.map(({ ship }) => ship).filter((ship) => runs(ship) > fewest);
}

const whoAnswered = (answers: readonly Answer[], at: number): string[] => [
  ...new Set(answers.flatMap(({ place, ship }) => (place.at === at && ship !== null ? [ship] : []))),
];

const hasIdleShip = (status: VoyageStatus): boolean => ableShips(status).some(({ state }) => state !== "working");
