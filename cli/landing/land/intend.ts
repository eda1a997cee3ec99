import { OcaptainError } from "../../../lib/base/errors.ts";
import { git, gitLine } from "../../../lib/git/run.ts";
import { type LandingFile, readLanding } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Io } from "../../output/io.ts";
import type { History } from "../history.ts";
import { type Base, chooseBase, fetchBase } from "./base.ts";
import type { Waves } from "./heads.ts";
import type { LandAsk } from "./options.ts";
import { type Place, placeOf } from "./place.ts";
import { type RemoteRefs, remoteRefs } from "./remote-refs.ts";
import { assertRoom } from "./shape.ts";
import { commitsByWave, wavesOf } from "./stack.ts";
import { assertLandable, notVerified, type Standing, standingOf } from "./standing.ts";
import { tryUpdate, type Update } from "./update.ts";

/** What a landing would do: all that is known before anything is changed but for what was fetched. */
export type Intention = {
  stack: string;
  standing: Standing;
  /** The part of the history that the base does not hold yet. */
  history: History;
  /** The landing before; null where there was none at this place. */
  before: LandingFile | null;
  place: Place;
  remote: RemoteRefs;
  base: Base;
  branch: string;
  how: LandingFile["how"];
  waves: Waves;
  /** How many branches are pushed. */
  count: number;
  update: Update;
  /** Whether a run of verify.sh that is under way is waited for: what it runs on is a merge of the base. */
  isAwaited: boolean;
  /** Whether the base holds all of the voyage's branch: nothing is left to land. */
  isInBase: boolean;
};

/**
 * Works out what is to be done: looks at the voyage, at the place where it lands, and at the base there.
 * @throws OcaptainError NOT_VERIFIED and what else keeps it from landing
 */
export async function intend(voyage: KnownVoyage, ask: LandAsk, io: Io): Promise<Intention> {
  const { folder, file } = voyage;
  const { steps, signal } = io;
  steps.status("looks at the voyage");
  const standing = await standingOf(voyage);
  assertLandable(standing, ask.unverified);
  const landing = await readLanding(folder, file.voyageId);
  const place = await placeOf(voyage, ask.remote, landing);
  const before = landing?.remote === place.address ? landing : null;

  steps.status(`looks at ${place.address}`);
  const remote = await remoteRefs(place, folder.repo, signal);
  const named = await chooseBase(voyage, ask.base, before, remote);
  steps.status(`fetches ${named} of ${place.address}`);
  const { tip } = standing.history;
  const base = await fetchBase(voyage, place, named, tip, signal);

  const isAwaited = !standing.isVerified && !ask.unverified;
  const update = ask.update ? await tryUpdate(folder.repo, tip, base) : ({ kind: "none" } as const);
  const isInBase = base.held === tip || (update.kind === "merge" && (await isTreeOf(folder.repo, update.tree, base.tip)));
  // A merge of the base is what an earlier landing has left, or the fleet has settled: this one goes on from there.
  if (isAwaited && !isInBase && !(await mergesBase(folder.repo, tip, base))) throw notVerified(standing.view, tip);
  const branch = ask.branch ?? before?.branch ?? `ocaptain/${file.stack}`;
  const how = ask.how ?? before?.how ?? "per-task";
  if (branch === base.branch)
    throw new OcaptainError("USAGE", `--branch ${branch} is the branch to land in, which is changed by a pull request alone`, {
      hint: "ocaptain land --help",
    });
  assertRoom(how, branch, remote.branches, file.stack);
  const history = await notInBase(folder.repo, standing.history, base);
  const waves = wavesOf(standing.view.taskRows);
  return {
    ...{ stack: file.stack, standing, history, before, place, remote, base, branch, how, waves, isAwaited, isInBase },
    count: how === "stack" ? commitsByWave(history.tasks, waves).length : 1,
    update,
  };
}

/** The part of a history that the base does not hold. */
export async function notInBase(repo: string, history: History, { tip }: Base): Promise<History> {
  const { stdout } = await git(["rev-list", history.tip, `^${tip}`], { gitDir: repo });
  const fresh = new Set(stdout.split("\n"));
  return { ...history, tasks: history.tasks.filter(({ commit }) => fresh.has(commit)) };
}

/**
 * Whether a commit has this tree: a merge that comes to the base's own brings nothing that the base has not, as after a
 * forge has made one commit of a pull request.
 */
const isTreeOf = async (repo: string, tree: string, commit: string): Promise<boolean> =>
  (await gitLine(["rev-parse", `${commit}^{tree}`], { gitDir: repo })) === tree;

/** Whether a commit is a merge of the base into the voyage's branch. */
async function mergesBase(repo: string, commit: string, base: Base): Promise<boolean> {
  const [, , second] = (await gitLine(["rev-list", "--no-walk", "--parents", commit], { gitDir: repo })).split(" ");
  if (second === undefined) return false;
  return (await git(["merge-base", "--is-ancestor", second, base.tip], { gitDir: repo, okCodes: [0, 1] })).exitCode === 0;
}
