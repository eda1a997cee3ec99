import { readFileSync } from "node:fs";
import type { Grant } from "../../lib/protocol/ship-api.ts";
import type { ClaimContext } from "../claim/context.ts";
import type { Delivery } from "../claim/delivery.ts";
import { asHalt, Halt } from "../helm/halt.ts";
import { endMarked } from "../machine/processes.ts";
import { Gatekeeper } from "./gatekeeper.ts";

/**
 * The gates of one claim, with their hands on the tree: what the agent offers is quieted, committed, checked, delivered. `claude` names the process that
 * waits for the answer; `onHalt` is told what ends the claim from outside, `onAccepted` that nothing more is to come. `spent` says why no money is left.
 * @default `spent`: of the voyage
 */
export function gatekeeperFor(
  context: ClaimContext,
  grant: Grant,
  delivery: Delivery,
  around: {
    gateProgram: string;
    claude: () => number;
    onHalt: (halt: Halt) => void;
    onAccepted: () => void;
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
    spent: around.spent ?? (() => context.steering.spent),
  });
}

/** Ends what the agent has left running, so that nothing writes while its tree is offered; Claude Code itself and its hooks wait for us. */
async function quiet(mark: string, claudePid: number, gateProgram: string): Promise<void> {
  await endMarked(mark, (pid) => {
    if (pid === claudePid) return true;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(gateProgram);
    } catch {
      return true; // it has ended
    }
  });
}
