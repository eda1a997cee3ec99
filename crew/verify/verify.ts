import { lstatSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClaimReply } from "../../lib/protocol/ship-claims.ts";
import { type ClaimContext, forALease } from "../claim/context.ts";
import { Halt, HelmAway } from "../helm/halt.ts";
import { AWAY_PAUSE_MS, FAULT_PAUSE_MS, pause } from "../machine/pause.ts";
import { run } from "../machine/run.ts";
import { TaskLog } from "../machine/task-log.ts";
import { removeAll } from "../tree/files.ts";
import { withoutGit } from "../tree/git.ts";
import { putBack, putInPlace } from "./verified-tree.ts";

type Order = Extract<ClaimReply, { kind: "verify" }>;

/**
 * Runs the plan's verify.sh, as the helm's ledger has it, in a fresh checkout of the order's commit, and tells the helm
 * its result. The script lies beside the checkout, so that nothing in the tree can stand in for it; the checkout takes
 * the place of `~/voyage/workspace` meanwhile (verified-tree.ts).
 *
 * What keeps this ship from running the script is no result: the verification is given back and another ship is asked,
 * also where only this ship's git does not reach the helm. Throws Halt, and HelmRefusal.
 */
export async function verify(context: ClaimContext, order: Order, signal: AbortSignal): Promise<void> {
  const { helm, claim, journal } = context;
  claim.show("verifying");
  claim.stir();
  journal.note("verifying", `verify.sh on ${order.commit.slice(0, 10)}`, { commit: order.commit });
  const patience = forALease(context, signal);
  const of = { epoch: order.epoch, commit: order.commit };
  try {
    const { exitCode, output, seconds } = await examine(context, order, signal);
    const reply = await helm.call("verified", { ...of, exitCode, output, seconds }, patience);
    journal.note("verified", `verify.sh: exit status ${exitCode}; the voyage is ${reply.state}`, { ...of, exitCode });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof NotRun)) throw orHalt(error);
    journal.note("unverified", error.message, of);
    const { isAway } = error;
    const body = { ...of, reason: error.message.slice(0, 2000), ...(isAway && { away: true as const }) };
    await helm.call("unverified", body, patience).catch((lost: unknown) => {
      throw orHalt(lost);
    });
    await pause(isAway ? AWAY_PAUSE_MS : FAULT_PAUSE_MS, signal);
  } finally {
    claim.show("");
  }
}

/** Says that verify.sh was not run to its end, for a reason that lies in this ship. */
class NotRun extends Error {
  /** Whether the helm's git did not answer this ship; another ship may reach it. */
  readonly isAway: boolean;
  constructor(cause: Error) {
    super(`verify.sh could not be run on this ship: ${cause.message}`, { cause });
    this.isAway = cause instanceof HelmAway;
  }
}

const orHalt = (error: unknown) => (error instanceof HelmAway ? new Halt("away", error.message) : error);

async function examine({ ship, hello, tree, claim }: ClaimContext, order: Order, signal: AbortSignal) {
  const folder = join(ship.scratch, `verify-${order.epoch}`);
  const checkout = join(folder, "tree");
  const script = join(folder, "verify.sh");
  let log: TaskLog | undefined;
  try {
    log = new TaskLog(ship.logs, `verify-${order.epoch}`);
    // An agent may have put something else in the place of the scratch folder.
    if (lstatSync(ship.scratch, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(ship.scratch);
    await tree.checkoutFresh(checkout, hello.voyage.branch, order.commit, signal);
    writeFileSync(script, order.script, { mode: 0o700 });
    putInPlace(ship, checkout);
    const ran = await run({
      argv: ["bash", script],
      cwd: ship.workspace,
      env: { ...withoutGit(process.env), PWD: ship.workspace, VOYAGE: ship.config.voyageId },
      timeoutMs: order.timeoutSeconds * 1000,
      mark: ship.mark,
      signal,
      onOutput(chunk) {
        claim.stir();
        log?.write(chunk);
      },
    });
    return { exitCode: ran.timedOut ? 124 : (ran.exitCode ?? 137), output: ran.tail, seconds: ran.seconds };
  } catch (error) {
    signal.throwIfAborted();
    throw new NotRun(error as Error);
  } finally {
    log?.close();
    const verified = putBack(ship);
    // The result stands, whatever the script has left there. The next crew tries again to remove it.
    for (const left of [folder, verified]) if (left !== null) await removeAll(left).catch(() => {});
  }
}
