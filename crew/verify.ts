import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClaimReply, VerifiedReply } from "../lib/ship-api.ts";
import type { Deck } from "./deck.ts";
import { withoutGit } from "./git.ts";
import { run } from "./run.ts";
import { TaskLog } from "./task-log.ts";

type Order = Extract<ClaimReply, { kind: "verify" }>;

/**
 * Runs the plan's verify.sh, as the ledger has it, in a fresh checkout of `commit`, and reports (design 11). The script lies beside the checkout,
 * so that nothing in the tree can stand in for it.
 */
export async function verify(deck: Deck, order: Order, signal: AbortSignal): Promise<void> {
  const { ship, hello, helm, heartbeat, journal } = deck;
  const folder = join(ship.scratch, `verify-${order.epoch}`);
  heartbeat.note = "verifying";
  journal.note("verifying", `verify.sh on ${order.commit.slice(0, 10)}`, { commit: order.commit });
  const log = new TaskLog(ship.logs, `verify-${order.epoch}`);
  try {
    const { exitCode, output, seconds } = await examine(deck, order, folder, log, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      // Said as a result, or the same verification would be begun again for ever.
      return { exitCode: -1, output: `verify.sh was not run to its end: ${(error as Error).message}`, seconds: 0 };
    });
    const body = { epoch: order.epoch, commit: order.commit, exitCode, output, seconds };
    const reply = await helm.call<VerifiedReply>("verified", body, { totalMs: hello.leaseSeconds * 1000, signal });
    journal.note("verified", `verify.sh: exit status ${exitCode}; the voyage is ${reply.state}`, {
      commit: order.commit,
      exitCode,
    });
  } finally {
    log.close();
    heartbeat.note = "";
    rmSync(folder, { recursive: true, force: true });
  }
}

async function examine({ ship, hello, tree }: Deck, order: Order, folder: string, log: TaskLog, signal: AbortSignal) {
  const checkout = join(folder, "tree");
  const script = join(folder, "verify.sh");
  await tree.checkoutFresh(checkout, hello.voyage.branch, order.commit, signal);
  writeFileSync(script, order.script, { mode: 0o700 });
  const ran = await run({
    argv: ["bash", script],
    cwd: checkout,
    env: { ...withoutGit(process.env), VOYAGE: ship.config.voyageId },
    timeoutMs: order.timeoutSeconds * 1000,
    mark: ship.mark,
    signal,
    onOutput: log.write,
  });
  return { exitCode: ran.timedOut ? 124 : (ran.exitCode ?? 137), output: ran.tail, seconds: ran.seconds };
}
