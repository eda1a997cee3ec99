import { OcaptainError } from "../../../lib/base/errors.ts";
import { helmClient } from "../../../lib/daemons/helm-client.ts";
import type { AddedTask } from "../../../lib/protocol/admin-api.ts";
import type { TaskRow } from "../../../lib/protocol/status.ts";
import { type LandingFile, readLanding, writeLanding } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Io } from "../../output/io.ts";
import { historyOf } from "../history.ts";
import { holdLanding } from "../land/hold.ts";
import { type LandParts, type LandResult, landVoyage } from "../land/land.ts";
import { readOptions } from "../land/options.ts";
import { type CameBack, cameBack, type Returned } from "./came-back.ts";
import { type Rounds, roundsOf } from "./rounds.ts";
import { settle } from "./settle.ts";
import { taskOf } from "./task-of.ts";

export type FixAsk = {
  /** Whether what people say is heard who may not write to the repository. */
  fromAnyone: boolean;
  /** Whether it waits until the fleet is through, and pushes then. */
  wait: boolean;
  /** Whether what came of it is pushed also where no verify.sh proves it. */
  unverified: boolean;
  /** What does the tasks where the hand is a rehearsal. */
  rehearsal: string | undefined;
  timeoutMs: number;
  /** Says whether these tasks are to be added. */
  agree(returned: readonly Returned[]): Promise<boolean>;
};

/** What a call has come to. `landed` is null where nothing was left to push, or nothing is waited for. */
export type FixResult = Omit<CameBack, "returned"> & {
  added: AddedTask[];
  /** The tasks of this and of earlier calls that are neither accepted nor cancelled. */
  open: TaskRow[];
  spent: Returned[];
  landed: LandResult | null;
};

/** The wait for another command, which only writes a file. */
const HOLD_MS = 60_000;

/**
 * Makes a task of each thing that has come back of a voyage's pull requests, once; waits until the fleet has worked
 * them off, and lands what came of it. A call that was cut short goes on where it was. Returns null where the person
 * has said no.
 * @throws OcaptainError NOT_LANDED, NO_FORGE, SUNK, FIX, TIMEOUT, and what the forge and a landing throw
 */
export async function fixVoyage(voyage: KnownVoyage, ask: FixAsk, parts: LandParts, io: Io): Promise<FixResult | null> {
  const { stack, voyageId, sunkAt } = voyage.file;
  const landing = await landingOf(voyage);
  const forge = await parts.openForge({ origin: landing.remote, signal: io.signal });
  if (forge === null)
    throw new OcaptainError("NO_FORGE", `${landing.remote} has no API that is known here: nothing is known of what came back`, {
      hint: `ocaptain task add 'What is to be mended' --voyage ${stack}`,
    });
  io.steps.status(`asks ${forge.place.web}`);
  const { returned, ...others } = await cameBack(forge, landing, ask.fromAnyone);
  const rounds = roundsOf(returned, landing.fixes);
  io.steps.status("");
  if (sunkAt && rounds.due.length > 0)
    throw new OcaptainError("SUNK", `voyage "${stack}" has sunk, and no ship is there that could mend what came back`, {
      hint: `pulumi up -s ${stack}  # sails it again; then: ocaptain land fix ${stack}`,
    });
  if (rounds.due.length > 0 && !(await ask.agree(rounds.due))) return null;
  const added = await addTasks(voyage, rounds.due, ask, io);
  const open = sunkAt ? [] : await openFixes(voyage);
  const result = { ...others, added, open, spent: rounds.spent, landed: null };
  if (!ask.wait) return result;
  if (open.length > 0) await settle(voyage, ask.timeoutMs, io);
  if (!(await isPushDue(voyage))) return { ...result, open: [] };
  io.steps.line("lands what came of it");
  const landed = await landVoyage(
    voyage,
    { ...readOptions({ yes: true, unverified: ask.unverified }), timeoutMs: ask.timeoutMs },
    parts,
    io,
  );
  return { ...result, open: [], landed };

  async function openFixes({ folder }: KnownVoyage): Promise<TaskRow[]> {
    const made = new Set((await readLanding(folder, voyageId))?.fixes.map(({ task }) => task));
    const { tasks } = await helmClient().voyage(voyageId);
    return tasks.filter(({ id, status }) => made.has(id) && status !== "accepted" && status !== "cancelled");
  }
}

/**
 * Adds a task for each. The ledger knows its signature before the landing's file does, and adds none twice, so that a
 * death in between loses and doubles nothing.
 */
async function addTasks(voyage: KnownVoyage, due: Rounds["due"], { rehearsal }: FixAsk, io: Io): Promise<AddedTask[]> {
  const added: AddedTask[] = [];
  if (due.length === 0) return added;
  const lock = await holdLanding(voyage, HOLD_MS, io);
  try {
    for (const each of due) {
      const { signature, subject, round } = each;
      const one = await helmClient().addTask(voyage.file.voyageId, taskOf(each, rehearsal));
      const landing = await landingOf(voyage);
      const fix = { signature, ...(subject !== null && { subject }), task: one.task.id, round, at: new Date().toISOString() };
      const isKnown = landing.fixes.some((known) => known.signature === signature);
      if (!isKnown) await writeLanding(voyage.folder, { ...landing, fixes: [...landing.fixes, fix] });
      added.push(one);
    }
  } finally {
    lock.release();
  }
  return added;
}

/** Whether a task that was made of what came back is on the branch, and was not pushed yet. */
async function isPushDue(voyage: KnownVoyage): Promise<boolean> {
  const { fixes, pushed } = await landingOf(voyage);
  if (fixes.length === 0) return false;
  const { tip } = await historyOf(voyage);
  return pushed.at(-1)?.commit !== tip;
}

/** @throws OcaptainError NOT_LANDED */
async function landingOf({ folder, file: { voyageId, stack } }: KnownVoyage): Promise<LandingFile> {
  const landing = await readLanding(folder, voyageId);
  if (landing && landing.pulls.length > 0) return landing;
  throw new OcaptainError("NOT_LANDED", `voyage "${stack}" has no pull request, of which something could come back`, {
    hint: `ocaptain land ${stack}  # makes one`,
  });
}
