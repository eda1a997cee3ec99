import type { HelloReply } from "../../lib/protocol/ship-api.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import type { ClaimState } from "../helm/claim-state.ts";
import type { ShipApiClient } from "../helm/ship-api-client.ts";
import type { Steering } from "../helm/steering.ts";
import type { TelemetryRelay } from "../helm/telemetry-relay.ts";
import type { Journal } from "../machine/journal.ts";
import type { ThisShip } from "../machine/ship.ts";
import { identityOf, withoutGit } from "../tree/git.ts";
import type { Tree } from "../tree/tree.ts";
import type { Window } from "../window/window.ts";

/** What the work on a claim is done with. */
export type ClaimContext = {
  ship: ThisShip;
  hello: HelloReply;
  helm: ShipApiClient;
  /** What the ship holds and does now; the heartbeat reads it. */
  claim: ClaimState;
  /** How the helm says to go on. */
  steering: Steering;
  tree: Tree;
  journal: Journal;
  /** Whether the claim was an earlier crew's, and the tree is as that crew left it. */
  resumes: boolean;
  /** Hands telemetry on to the helm. */
  relay: TelemetryRelay;
  /** The tmux session in which the hand `claude` is seen. */
  window: Window;
};

/** The bounds of a call that is repeated for the time of a lease: by then the claim is another ship's. */
export const forALease = ({ hello }: Pick<ClaimContext, "hello">, signal: AbortSignal) => ({
  totalMs: hello.leaseSeconds * 1000,
  signal,
});

/** The environment of a hand and of its task's check. No secret is in it. */
export function handEnvironment(context: ClaimContext, { task, epoch }: Grant): NodeJS.ProcessEnv {
  return { ...handBaseEnvironment(context), TASK_ID: task.id, TASK_SUBJECT: task.subject, TASK_EPOCH: String(epoch) };
}

/** The environment of a hand that has no task yet. */
export function handBaseEnvironment({ ship, hello }: ClaimContext): NodeJS.ProcessEnv {
  return {
    ...withoutGit(process.env),
    ...identityOf(ship),
    SHIP: ship.config.ship,
    VOYAGE: ship.config.voyageId,
    VOYAGE_NAME: hello.voyage.name,
  };
}
