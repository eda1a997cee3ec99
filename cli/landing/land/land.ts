import { OcaptainError } from "../../../lib/base/errors.ts";
import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Forge } from "../../forge/forge.ts";
import { ask as askPerson, canAsk } from "../../output/ask.ts";
import type { Io } from "../../output/io.ts";
import type { History } from "../history.ts";
import { assertFleet } from "./await-verified.ts";
import { conflicted } from "./conflicted.ts";
import { describe } from "./describe.ts";
import { follow } from "./follow.ts";
import type { Head } from "./heads.ts";
import { holdLanding } from "./hold.ts";
import { type Intention, intend } from "./intend.ts";
import type { LandAsk } from "./options.ts";
import { type Landed, landPulls, mergePulls } from "./pulls.ts";
import { push, pushesOf } from "./push.ts";
import { Record } from "./record.ts";
import { shape } from "./shape.ts";
import { short } from "./standing.ts";

/** What a landing needs of other rooms. */
export type LandParts = {
  /** Opens the forge of an address; null where there is none that is known. */
  openForge(ask: { origin: string; signal: AbortSignal }): Promise<Forge | null>;
  /** Writes the title and the text of a pull request, within the text that people have left in it. */
  textOf(ask: TextAsk): Promise<{ title: string; body: string }>;
  /** Looks at what would be pushed. @throws OcaptainError where that may not leave */
  look(ask: { from: string; heads: readonly Head[]; history: History; signal: AbortSignal }): Promise<void>;
};

/** What the text of a pull request is made of: its head among others, and the pull requests that are known by now. */
export type TextAsk = {
  head: Head;
  heads: readonly Head[];
  how: LandingFile["how"];
  tip: string;
  isVerified: boolean;
  old: string;
  known: readonly Landed[];
};

/** What a landing has come to: `would` is what it would do, `in-base` that nothing was left to land. */
export type LandResult = {
  outcome: "landed" | "pushed" | "in-base" | "would";
  stack: string;
  tip: string;
  isVerified: boolean;
  remote: string;
  base: string;
  how: LandingFile["how"];
  /** The commit of the base that was merged in; null where there was nothing to merge. */
  merged: string | null;
  heads: (Head & { isNew: boolean })[];
  pulls: Landed[];
  /** What the server has said of the push. */
  said: string;
};

/**
 * Lands a voyage: looks at what it has come to, follows its base, has verify.sh run again where that has moved, pushes,
 * and makes the pull request. Each step finds what an earlier landing has done, so that one which was cut short goes
 * on, and landing twice is landing once. Returns null where the person has said no.
 */
export async function landVoyage(voyage: KnownVoyage, ask: LandAsk, parts: LandParts, io: Io): Promise<LandResult | null> {
  const lock = await holdLanding(voyage, ask.timeoutMs, io);
  try {
    return await land(voyage, ask, parts, io);
  } finally {
    lock.release();
    io.steps.status("");
  }
}

async function land(voyage: KnownVoyage, ask: LandAsk, parts: LandParts, io: Io): Promise<LandResult | null> {
  const plan = await intend(voyage, ask, io);
  if (plan.isInBase) return resultOf("in-base", plan);
  const { place } = plan;
  const forge =
    ask.pushOnly || place.kind === "checkout" ? null : await parts.openForge({ origin: place.reached, signal: io.signal });
  if (forge === null) assertNoneNeeded(ask, plan.stack);
  io.steps.status("");
  for (const line of describe(plan, forge, ask)) io.note(line);
  assertFleetFor(plan, ask);
  if (ask.dryRun) return resultOf("would", plan);
  if (!ask.yes && !(await isAgreed(plan.stack, io))) return null;

  const record = new Record(voyage, plan, forge, ask.remote !== undefined);
  if (plan.update.kind === "conflict") throw await conflicted(voyage, plan, plan.update, record);
  const followed = await follow(voyage, plan, ask, io);
  const pushed = await bring(voyage, { ...plan, ...followed }, ask, parts, record, io);
  const result = { ...resultOf("pushed", plan), ...followed.told, ...pushed };
  if (forge === null) return result;

  io.steps.status(`makes the pull request at ${forge.place.web}`);
  const { heads } = pushed;
  const about = { heads, how: plan.how, tip: result.tip, isVerified: result.isVerified };
  const pulls = await landPulls(forge, record, {
    ...{ heads, title: ask.title, ready: ask.ready, reviewers: ask.reviewers, labels: ask.labels },
    textOf: (head, old, known) => parts.textOf({ ...about, head, old, known }),
  });
  if (!ask.merge) return { ...result, outcome: "landed", pulls };
  io.steps.status(`has it merged at ${forge.place.web}`);
  return { ...result, outcome: "landed", pulls: await mergePulls(forge, pulls, plan.base.branch) };
}

/** Brings the branches to the remote, as far as they are not there yet. */
async function bring(
  voyage: KnownVoyage,
  plan: Intention & { isVerified: boolean },
  ask: LandAsk,
  parts: LandParts,
  record: Record,
  io: Io,
): Promise<Pick<LandResult, "heads" | "said">> {
  const { place, history, base, before, how, branch, isVerified } = plan;
  const { steps, signal } = io;
  steps.status("makes what is pushed");
  const whole: Head = { branch, head: history.tip, base: base.branch };
  const about = { head: whole, heads: [whole], how, tip: history.tip, isVerified, old: "", known: [] };
  const title = ask.title ?? (how === "squash" ? (await parts.textOf(about)).title : "");
  const heads = await shape(voyage, { how, branch, base: base.branch, held: base.held, title, history, waves: plan.waves });
  steps.status("looks at what is pushed");
  await parts.look({ from: base.held, heads, history, signal });
  const pushes = await pushesOf(voyage, place, { heads, there: plan.remote.branches, landing: before, signal });
  await record.willPush(base.held, pushes);
  steps.status(`pushes to ${place.address}`);
  const said = await push(voyage, place, pushes, signal);
  steps.status("notes what was pushed");
  await record.pushed(history.tip, heads);
  const isNew = (head: Head) => pushes.some((each) => each.branch === head.branch);
  for (const head of heads)
    steps.line(
      isNew(head) ? `pushed ${head.branch}, ${short(head.head)}` : `${head.branch} is there already, ${short(head.head)}`,
    );
  return { heads: heads.map((head) => ({ ...head, isNew: isNew(head) })), said };
}

/** @throws OcaptainError NO_FLEET where a ship is needed, and there is none */
function assertFleetFor({ base, update, standing }: Intention, { unverified }: LandAsk): void {
  const moved = `${base.branch} has moved on by ${base.ahead === 1 ? "a commit" : `${base.ahead} commits`}`;
  if (update.kind === "conflict") assertFleet(standing.view, `${moved}, in conflict with the voyage`);
  if (update.kind === "merge" && !unverified) assertFleet(standing.view, moved);
}

/** @throws OcaptainError NO_FORGE where something was asked for that only a forge has */
function assertNoneNeeded({ merge, ready, reviewers, labels, title }: LandAsk, stack: string): void {
  const asked = {
    "--merge": merge,
    "--ready": ready,
    "--reviewer": reviewers.length > 0,
    "--label": labels.length > 0,
    "--title": title,
  };
  const [first] = Object.entries(asked).find(([, isAsked]) => isAsked) ?? [];
  if (first === undefined) return;
  throw new OcaptainError("NO_FORGE", `${first} is about a pull request, and the server has no API that is known here`, {
    hint: `ocaptain land ${stack}  # pushes the branch, and says where to make a pull request of it`,
  });
}

/** @throws OcaptainError NO_TERMINAL when nobody can be asked */
async function isAgreed(stack: string, io: Io): Promise<boolean> {
  if (!canAsk())
    throw new OcaptainError("NO_TERMINAL", "nobody can be asked here whether this is to be landed", {
      hint: `ocaptain land ${stack} --yes  # or --dry-run, which only says what would happen`,
    });
  return askPerson(`Land ${stack}?`, io);
}

const resultOf = (outcome: LandResult["outcome"], { stack, history, standing, place, base, how }: Intention): LandResult => ({
  ...{ outcome, stack, tip: history.tip, isVerified: standing.isVerified, remote: place.address, base: base.branch, how },
  ...{ merged: null, heads: [], pulls: [], said: "" },
});
