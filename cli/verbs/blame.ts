import { OcaptainError } from "../../lib/base/errors.ts";
import { plain } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { AddedTask } from "../../lib/protocol/admin-api.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { placeOfTask, readSearchedBranch, type SearchedBranch, shortName } from "../landing/blame/branch.ts";
import { type Answer, findCulprit, type Progress, type Verdict } from "../landing/blame/find-culprit.ts";
import { followUpOf } from "../landing/blame/follow-up.ts";
import { type Asking, hasSunk, type Prober, shipsToAsk } from "../landing/blame/run-probe.ts";
import { type Culprit, showCulprit, verdictJson, verdictText } from "../landing/blame/show-verdict.ts";
import { filesOf, patchText } from "../landing/show-change.ts";
import { ask, canAsk } from "../output/ask.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

/** The most of a culprit's patch that is shown, in characters. */
const MOST_PATCH = 16_384;

type Options = { good?: string; once?: boolean; anew?: boolean; yes?: boolean; followUp?: boolean };

/**
 * `ocaptain blame [voyage]` finds the first task that breaks verify.sh, where that has failed at the tip: by runs on
 * the voyage's idle ships, at commits of its branch.
 * @returns the exit status: 0 when a culprit was found, 1 when none can be named
 * @throws OcaptainError NO_VERIFY, NOT_FAILED, NO_TASKS, SUNK, PAUSED, NO_SHIPS, NO_ANSWER
 */
export async function blame(name: string | undefined, options: Options, io: Io): Promise<number> {
  const voyage = await chooseVoyage(name);
  const { file } = voyage;
  if (file.sunkAt !== undefined) throw hasSunk(file.stack);
  const helm = helmClient();
  const status = await helm.voyage(file.voyageId);
  assertFailed(status, file.stack);
  shipsToAsk(status, file);
  const branch = await readSearchedBranch(voyage);
  // A person may have pushed meanwhile.
  if (branch.history.tip !== status.tip) throw notFailed(file.stack, "has just moved, and verify.sh was not run yet at its tip");
  const good = options.good === undefined ? undefined : placeOfTask(branch, options.good, file.stack);
  if (good?.at === branch.last)
    throw new OcaptainError("NOT_GOOD", `verify.sh has failed after task ${good.task}, which is the tip of the branch`, {
      hint: `ocaptain status ${file.stack}`,
    });

  const asking: Asking = { helm, file, signal: io.signal };
  const wish = { branch, good, usesEarlier: options.anew !== true, makesSure: options.once !== true };
  const verdict = await findCulprit(asking, wish, tellTo(io, branch)).finally(() => io.steps.status(""));
  const culprit = verdict.kind === "found" ? await culpritOf(verdict, branch, voyage, helm, status) : null;
  if (!io.json) {
    for (const line of verdictText(verdict, branch)) io.out(line);
    if (culprit) showCulprit(culprit, file.stack, io);
  }
  const added =
    culprit && (await wantsFollowUp(options, file.stack, io)) ? await helm.addTask(file.voyageId, followUpOf(culprit)) : null;
  if (io.json) io.out(verdictJson(verdict, branch, { stack: file.stack, culprit, followUp: added }));
  else if (added) io.out(`\n${followUpText(added)}`);
  return culprit ? 0 : 1;
}

/** Whether the fleet is to mend it: as it was typed, or else as the captain answers, where somebody can be asked. */
async function wantsFollowUp({ yes, followUp }: Options, stack: string, io: Io): Promise<boolean> {
  if (followUp === false || yes) return followUp !== false;
  if (!io.json && canAsk()) return ask("Have the fleet mend it, as a task of its own?", io);
  io.note(`next: ocaptain blame ${stack} --yes  # makes a task of it for the fleet`);
  return false;
}

function followUpText({ task, isNew }: AddedTask): string {
  if (isNew) return `task ${task.id} is added: "${plain(task.subject)}"; a ship takes it by itself`;
  return `task ${task.id} was added for it before, and is ${task.status}`;
}

/** @throws OcaptainError unless verify.sh has been run at the tip, and has failed */
function assertFailed({ state, verified, tip }: VoyageStatus, stack: string): void {
  const at = `at its tip, ${tip.slice(0, 8)}`;
  if (state === "done")
    throw new OcaptainError("NO_VERIFY", `the plan of voyage "${stack}" has no verify.sh`, { hint: `ocaptain status ${stack}` });
  if (!verified) throw notFailed(stack, `is ${state}, and verify.sh was not run yet ${at}`);
  if (verified.exitCode === 0)
    throw new OcaptainError("NOT_FAILED", `verify.sh passes in voyage "${stack}" ${at}: there is nothing to blame`, {
      hint: `ocaptain diff ${stack} --stat`,
    });
  if (verified.exitCode === -1)
    throw new OcaptainError("NO_ANSWER", `no ship came to the end of verify.sh in voyage "${stack}" ${at}`, {
      hint: `ocaptain retry verify ${stack}`,
    });
}

const notFailed = (stack: string, what: string) =>
  new OcaptainError("NOT_FAILED", `voyage "${stack}" ${what}`, {
    hint: `ocaptain wait ${stack}  # ends when it is verified, or that has failed`,
  });

/** Tells of a search on stderr, with the time since its start. */
function tellTo(io: Io, branch: SearchedBranch): Progress {
  const told = (place: { at: number; commit: string; task: string | null }) =>
    `${shortName(branch.places[place.at]!)} (${place.commit.slice(0, 8)})`;
  return {
    changed(place, row) {
      if (row.status === "claimed") io.steps.line(`${row.ship} runs verify.sh ${told(place)}`);
      else if (row.reason !== null) io.steps.line(`the run ${told(place)} waits for another ship: ${row.reason}`);
      else io.steps.status(`  … the run ${told(place)} waits for an idle ship`);
    },
    ended(place, { ship, exitCode }) {
      io.steps.line(`${ship ?? "a ship"}: it ${exitCode === 0 ? "passes" : `fails (exit status ${exitCode})`} ${told(place)}`);
    },
    onceMore(places, isDone) {
      const which = places.map(told).join(" and ");
      io.steps.line(isDone ? `once more, to be sure: ${which}` : `every ship is at work, so it is not run once more ${which}`);
    },
  };
}

async function culpritOf(
  { bad, good, answers }: Verdict & { kind: "found" },
  { places }: SearchedBranch,
  { folder, file }: KnownVoyage,
  helm: Prober,
  status: VoyageStatus,
): Promise<Culprit> {
  const [place, before] = [places[bad]!, places[good]!];
  const failure = answers.findLast((answer) => answer.place.at === bad)!;
  const change = { repo: folder.repo, from: before.commit, to: place.commit };
  const [output, patch, files] = await Promise.all([
    outputOf(failure, helm, file.voyageId, status),
    patchText(change, MOST_PATCH),
    filesOf(change),
  ]);
  return { place, before, exitCode: failure.exitCode, output, patch, files };
}

async function outputOf(answer: Answer, helm: Prober, id: string, { verified }: VoyageStatus): Promise<string> {
  if (answer.of === "probe") return (await helm.probe(id, answer.run)).output ?? "";
  return verified?.commit === answer.commit ? verified.output : "";
}
