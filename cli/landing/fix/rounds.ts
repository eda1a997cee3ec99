import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { Returned } from "./came-back.ts";

/** How often one check, or one reviewer, may come back before a person has to look. */
export const MOST_ROUNDS = 3;

type Fixes = LandingFile["fixes"];

/** What a call is to do: `due` has what no task was made of yet, `spent` what has come back too often. */
export type Rounds = { due: (Returned & { round: number })[]; spent: Returned[] };

/** Tells what is due by what was made already. */
export function roundsOf(returned: readonly Returned[], fixes: Fixes): Rounds {
  const known = new Set(fixes.map(({ signature }) => signature));
  const rounds: Rounds = { due: [], spent: [] };
  for (const each of returned) {
    if (known.has(each.signature)) continue;
    const round = 1 + roundsBefore(each, fixes);
    if (round > MOST_ROUNDS) rounds.spent.push(each);
    else rounds.due.push({ ...each, round });
  }
  return rounds;
}

/** In how many rounds a task was made of the same check or reviewer. */
function roundsBefore({ subject }: Returned, fixes: Fixes): number {
  if (subject === null) return 0;
  return Math.max(0, ...fixes.filter((fix) => fix.subject === subject).map(({ round }) => round));
}
