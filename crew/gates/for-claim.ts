import { readFileSync } from "node:fs";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import type { ClaimContext } from "../claim/context.ts";
import type { Delivery } from "../claim/delivery.ts";
import { asHalt, Halt } from "../helm/halt.ts";
import { endMarked } from "../machine/processes.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { takeNudges } from "./nudges.ts";

/**
 * Makes the gates of one claim: when the agent completes its task, what it has left running is ended, and the tree is
 * committed, checked and delivered.
 */
export function gatekeeperFor(
  context: ClaimContext,
  grant: Grant,
  delivery: Delivery,
  around: {
    /** Path of the hook's program: processes that run it wait for an answer. */
    gateProgram: string;
    /** Pid of Claude Code, which waits for its hook. */
    claude: () => number;
    /** Is told what ends the claim from outside. */
    onHalt: (halt: Halt) => void;
    /** Is told that the helm has accepted the task, and nothing more is to come. */
    onAccepted: () => void;
    /** Says why no money is left; null while there is some. @default the voyage's budget */
    spent?: () => string | null;
  },
): Gatekeeper {
  const { ship } = context;
  const started = performance.now();
  return new Gatekeeper({
    task: grant.task.id,
    ship: ship.config.ship,
    async offer(summary) {
      await quiet(ship.mark, around.claude(), around.gateProgram);
      const offered = await delivery.offer(summary, (performance.now() - started) / 1000).catch((error: unknown) => {
        const halt = asHalt(error);
        if (halt instanceof Halt) around.onHalt(halt);
        throw error;
      });
      if (offered.kind === "accepted") around.onAccepted();
      return offered;
    },
    merge: (tip) => delivery.mergeForHand(tip),
    unresolved: (files) => delivery.unresolved(files),
    nudge: () => {
      const nudge = takeNudges(ship.crew, grant.task.id, grant.epoch);
      if (nudge !== null) context.journal.note("nudged", `task ${grant.task.id}  is told what the captain says`);
      return nudge;
    },
    spent: around.spent ?? (() => context.steering.spent),
  });
}

/**
 * Ends what the agent has left running, so that nothing writes while its tree is offered. Claude Code itself and its
 * hooks wait for the answer, and stay.
 */
async function quiet(mark: string, claudePid: number, gateProgram: string): Promise<void> {
  await endMarked(mark, (pid) => {
    if (pid === claudePid) return true;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(gateProgram);
    } catch {
      return true; // The process has ended meanwhile.
    }
  });
}
