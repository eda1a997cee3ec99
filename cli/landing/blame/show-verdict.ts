import { counted } from "../../../lib/base/counted.ts";
import { plainJson, plainLines } from "../../../lib/base/text.ts";
import type { Io } from "../../output/io.ts";
import { type ChangedFile, painted } from "../show-change.ts";
import { nameOf, type Place, type SearchedBranch, shortName } from "./branch.ts";
import type { Answer, Verdict } from "./find-culprit.ts";

/** The culprit with what it has changed, and the end of what verify.sh has printed there. */
export type Culprit = {
  place: Place;
  before: Place;
  exitCode: number;
  output: string;
  patch: { text: string; isCut: boolean };
  files: ChangedFile[];
};

/** What is shown of an output: its end says most. */
const LINES_SHOWN = 40;

/** Says in a sentence what the search has come to, and how sure that is. */
export function verdictText(verdict: Verdict, { places, last }: SearchedBranch): string[] {
  const ran = `${counted(verdict.runs, "run")} of verify.sh${verdict.ships.length > 0 ? ` on ${verdict.ships.join(", ")}` : ""}`;
  switch (verdict.kind) {
    case "found": {
      const [bad, good] = [places[verdict.bad]!, places[verdict.good]!];
      const where = bad.ship === null ? "" : `, by ${bad.ship}`;
      return [
        `${nameOf(bad)}${where}, breaks verify.sh: it fails at ${bad.commit.slice(0, 8)}, and passes ${shortName(good)} (${good.commit.slice(0, 8)})`,
        `found by ${ran}; ${sureness(verdict)}`,
      ];
    }
    case "flaky": {
      const place = places[verdict.at]!;
      const answers = verdict.answers.filter((answer) => answer.place.at === verdict.at).map(answerText);
      return [
        `verify.sh is flaky: at one and the same commit, ${place.commit.slice(0, 8)} (${nameOf(place)}), it ${answers.join(", ")}`,
        "so no task can be blamed by it: it names by chance. Make it steady first",
      ];
    }
    case "not-good":
      return [`verify.sh fails ${shortName(places[verdict.at]!)} too, so that is not good: name an earlier task, or none`];
    case "none-passes": {
      const commits =
        verdict.ran.length === last + 1 ? "at no commit of this branch" : `at none of ${verdict.ran.length} commits`;
      const which = verdict.ran.map((at) => shortName(places[at]!)).join(", ");
      return [
        `verify.sh passes ${commits} at which it was run: ${which}`,
        `no task is named, as it may never have passed on this branch (${ran})`,
      ];
    }
  }
}

const answerText = ({ exitCode, ship, run }: Answer): string =>
  `${exitCode === 0 ? "passed" : `failed (exit status ${exitCode})`}${ship === null ? "" : ` on ${ship}`} in run ${run}`;

/** Whether a chance answer can have led there. */
function sureness(verdict: Verdict & { kind: "found" }): string {
  const times = (at: number) => verdict.answers.filter(({ place }) => place.at === at).length;
  return times(verdict.bad) > 1 && times(verdict.good) > 1
    ? "both were run more than once, with the same answers"
    : "they were not both run a second time, so a flaky verify.sh would not be noticed";
}

/** Shows the culprit's change and its output, for people. */
export function showCulprit({ place, exitCode, output, patch }: Culprit, stack: string, io: Io): void {
  io.out(io.style("bold", `\nwhat ${place.task === null ? "it" : `task ${place.task}`} has changed:`));
  for (const line of patch.text.trimEnd().split("\n")) io.out(painted(line, io));
  if (patch.isCut)
    io.out(place.task === null ? "… (the rest is not shown)" : `… (all of it: ocaptain diff ${stack} --task ${place.task})`);
  io.out(io.style("bold", `\nwhat verify.sh has printed there, and then ended with status ${exitCode}:`));
  for (const line of plainLines(output.trimEnd()).split("\n").slice(-LINES_SHOWN)) io.out(`  | ${line}`);
}

/** The whole of it as JSON. */
export function verdictJson(
  verdict: Verdict,
  branch: SearchedBranch,
  more: { stack: string; culprit: Culprit | null; followUp: object | null },
): string {
  const about = ({ commit, task, ship, subject }: Place) => ({ commit, task, ship, subject });
  const { culprit } = more;
  return plainJson(
    {
      voyage: more.stack,
      verdict: verdict.kind === "found" ? "culprit" : verdict.kind,
      culprit: culprit && {
        ...about(culprit.place),
        parent: culprit.before.commit,
        exitCode: culprit.exitCode,
        output: culprit.output,
        diff: culprit.patch.text,
        diffIsCut: culprit.patch.isCut,
        files: culprit.files,
      },
      ...("at" in verdict && { at: about(branch.places[verdict.at]!) }),
      runs: verdict.runs,
      again: verdict.again,
      ships: verdict.ships,
      answers: verdict.answers.map(({ place, run, of, exitCode, ship }) => ({
        ...{ commit: place.commit, task: place.task, exitCode },
        ...{ ship, run, of },
      })),
      followUp: more.followUp,
    },
    2,
  );
}
