import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Io } from "../../output/io.ts";
import { historyOf } from "../history.ts";
import { awaitVerified } from "./await-verified.ts";
import { rebased } from "./base.ts";
import { type Intention, notInBase } from "./intend.ts";
import type { LandAsk } from "./options.ts";
import { short } from "./standing.ts";
import { putUpdate } from "./update.ts";

/** What a landing goes on with, once the voyage's branch has followed its base, and what it tells of that. */
type Followed = Pick<Intention, "history" | "base"> & {
  isVerified: boolean;
  told: { tip: string; isVerified: boolean; merged: string | null };
};

/**
 * Merges the base where it has moved on, and waits for verify.sh, which then runs again on a ship.
 * @throws OcaptainError BRANCH_MOVED, VERIFY_FAILED, NOT_VERIFIED, TIMEOUT
 */
export async function follow(voyage: KnownVoyage, plan: Intention, ask: LandAsk, io: Io): Promise<Followed> {
  const { repo } = voyage.folder;
  let { history, base } = plan;
  let merged: string | null = null;
  if (plan.update.kind === "merge") {
    io.steps.status(`merges ${base.branch}`);
    const tip = await putUpdate(voyage, history.tip, base, plan.update.tree);
    merged = base.tip;
    io.steps.line(`${base.branch} was merged into ${plan.stack}: ${short(tip)}`);
    base = await rebased(repo, base, tip);
    history = await notInBase(repo, { ...(await historyOf(voyage)), tip }, base);
  }
  let { isVerified } = plan.standing;
  if (merged !== null && ask.unverified) isVerified = false;
  else if (merged !== null || plan.isAwaited) {
    await awaitVerified(voyage, history.tip, ask.timeoutMs, io);
    isVerified = true;
  }
  return { history, base, isVerified, told: { tip: history.tip, isVerified, merged } };
}
