import type { ClaimReply } from "../../lib/protocol/ship-claims.ts";
import type { UnverifiedRequest, VerifiedRequest } from "../../lib/protocol/ship-reports.ts";
import { noteEvent } from "./events.ts";
import { forgetFaults, MOST_LOSSES, noteFault } from "./faults.ts";
import { type Ledger, type Life, sha256 } from "./ledger.ts";
import { Refused } from "./refused.ts";

/** Runs of the plan's verify.sh by ships. Each function that changes something runs inside one write of the store. */

const VERIFY_TIMEOUT_SECONDS = 1800;
/** Characters of what verify.sh printed, that are kept: its end. */
export const MOST_OUTPUT = 65_536;

/** Gives the run of verify.sh at `tip` to this life. */
export function beginVerification(ledger: Ledger, life: Life, tip: string): ClaimReply {
  const { rowId } = ledger.store.run(
    "INSERT INTO verifications (commit_id, script, life, status, at) VALUES (?, ?, ?, 'claimed', ?)",
    tip,
    sha256(ledger.meta("verify")!),
    life.life,
    ledger.at(),
  );
  noteEvent(ledger, "verification-granted", { ship: life.ship, epoch: rowId, data: { commit: tip } });
  return verifyOrder(ledger, rowId, tip);
}

/** The answer to a claim by which a ship is given a run of verify.sh. */
export function verifyOrder(ledger: Ledger, epoch: number, commit: string): ClaimReply {
  return { kind: "verify", epoch, commit, script: ledger.meta("verify")!, timeoutSeconds: VERIFY_TIMEOUT_SECONDS };
}

/**
 * Records the result of a run of verify.sh.
 * @throws Refused `stale-epoch` when this life does not hold it
 */
export function verified(ledger: Ledger, life: number, ask: VerifiedRequest): void {
  assertVerifies(ledger, life, ask);
  forgetFaults(ledger, life);
  end(ledger, life, ask, { status: "done", exitCode: ask.exitCode, output: ask.output.slice(-MOST_OUTPUT) });
}

/**
 * Notes that a ship could not run verify.sh: that says nothing of the voyage, and another ship is asked.
 * @throws Refused `stale-epoch` when this life does not hold the verification
 */
export function unverified(ledger: Ledger, life: number, ask: UnverifiedRequest): void {
  assertVerifies(ledger, life, ask);
  if (!ask.away) noteFault(ledger, life, ask.reason);
  ledger.store.run("DELETE FROM verifications WHERE epoch = ?", ask.epoch);
  noteResult(ledger, life, ask, { status: "dropped", exitCode: null, output: ask.reason });
}

/**
 * Ends a verification whose ship is gone, so that another ship can do it; the last of several in a row counts as
 * failed.
 */
export function dropVerification(ledger: Ledger, life: number, reason: string): void {
  const open = ledger.openVerification();
  if (open?.life !== life) return;
  const dropped = ledger.store.one<{ n: number }>(
    "SELECT count(*) AS n FROM verifications WHERE status = 'dropped' AND commit_id = ? AND script = ?",
    open.commit_id,
    open.script,
  )!.n;
  const run = { epoch: open.epoch, commit: open.commit_id };
  if (dropped + 1 < MOST_LOSSES) end(ledger, life, run, { status: "dropped", exitCode: null, output: reason });
  else end(ledger, life, run, { status: "done", exitCode: -1, output: `no ship came to the end of it: ${reason}` });
}

/**
 * Forgets the results of runs that failed, so that verify.sh is run again; a run under way and one that passed stay.
 */
export function forgetFailedVerifications(ledger: Ledger): void {
  ledger.store.run("DELETE FROM verifications WHERE status = 'dropped' OR (status = 'done' AND exit_code <> 0)");
}

/** One run of verify.sh, and what came of it: `dropped` says nothing of the voyage. */
type Run = { epoch: number; commit: string };
type Result = { status: "done" | "dropped"; exitCode: number | null; output: string };

function end(ledger: Ledger, life: number, run: Run, result: Result): void {
  const { status, exitCode, output } = result;
  ledger.store.run(
    "UPDATE verifications SET status = ?, exit_code = ?, output = ?, at = ? WHERE epoch = ?",
    status,
    exitCode,
    output,
    ledger.at(),
    run.epoch,
  );
  noteResult(ledger, life, run, result);
}

function noteResult(ledger: Ledger, life: number, { epoch, commit }: Run, { status, exitCode, output }: Result): void {
  const kind = status === "dropped" ? "dropped" : exitCode === 0 ? "passed" : "failed";
  noteEvent(ledger, `verification-${kind}`, {
    ...{ ship: ledger.life(life)?.ship, epoch },
    // The end of what verify.sh has printed says most.
    reason: kind === "passed" ? null : output.trim().split("\n").at(-1),
    data: { commit, ...(exitCode !== null && { exitCode }) },
  });
}

function assertVerifies(ledger: Ledger, life: number, ask: { epoch: number; commit: string }): void {
  const open = ledger.openVerification();
  if (open?.epoch !== ask.epoch || open.life !== life || open.commit_id !== ask.commit) {
    throw new Refused("stale-epoch", `verification ${ask.epoch} is not under way by this ship`);
  }
}
