import type { SessionSettings } from "../lib/plan/types.ts";
import type { HelloReply } from "../lib/protocol/ship-api.ts";
import type { Grant } from "../lib/protocol/ship-claims.ts";
import type { ClaimContext } from "./claim/context.ts";
import type { Hand } from "./claim/hand.ts";
import { work } from "./claim/work.ts";
import { workInteractively } from "./hands/claude/interactive.ts";
import { ordersHand } from "./hands/claude/orders.ts";
import { claudeHand } from "./hands/claude/task.ts";
import { proveHand } from "./hands/claude/trial.ts";
import { rehearsalHand } from "./hands/rehearsal.ts";
import { ClaimState } from "./helm/claim-state.ts";
import { asHalt, Halt, HelmRefusal } from "./helm/halt.ts";
import { Heartbeat } from "./helm/heartbeat.ts";
import { openPresence } from "./helm/presence.ts";
import type { ShipApiClient } from "./helm/ship-api-client.ts";
import { Steering } from "./helm/steering.ts";
import type { TelemetryRelay } from "./helm/telemetry-relay.ts";
import type { Journal } from "./machine/journal.ts";
import type { Hold } from "./machine/keep-awake.ts";
import { pause } from "./machine/pause.ts";
import type { ThisShip } from "./machine/ship.ts";
import { gitVersion } from "./tree/git.ts";
import { Tree } from "./tree/tree.ts";
import { verify } from "./verify/verify.ts";
import { Window } from "./window/window.ts";

const HELLO_MS = 15_000;
/**
 * A helm that acknowledges heartbeats and answers no claim for so long is broken: the crew ends, and is started again
 * by somebody who can see why.
 */
const CLAIM_MS = 10 * 60_000;

/** How long the last word may take: the helm does without it. */
const GOODBYE_MS = 2_000;

/** Why a claim loop has ended; after "silence" and "away" another may begin. */
export type LoopEnd = { why: "nothing" | Halt["kind"]; text: string };

/**
 * Says hello to the helm and works at one claim after the other, until there is nothing to claim, or a halt.
 *
 * At the end it gives back the hold first, then says goodbye and closes the presence stream, and only then does the
 * process end: the helm sees the presence end last, so that what it then starts finds no crew half gone.
 */
export async function runClaimLoop(
  ship: ThisShip,
  helm: ShipApiClient,
  hold: Hold,
  journal: Journal,
  relay: TelemetryRelay,
  orders: AbortSignal,
): Promise<LoopEnd> {
  const ended = new AbortController();
  const halt = (reason: Halt) => ended.abort(reason);
  const onOrders = () => halt(orders.reason);
  orders.addEventListener("abort", onOrders);
  const window = new Window(ship);
  let heartbeat: Heartbeat | undefined;
  let closePresence = async () => {};
  let trial: Promise<void> | null = null;
  /** Ends one claim and not the loop, for a claim that went stale. */
  let claimEnd: AbortController | undefined;
  /** Why the crew leaves the helm by its own will; a crew that is killed or cut off says nothing. */
  let goodbye: string | null = null;
  try {
    orders.throwIfAborted();
    const hello = await sayHello(ship, helm, journal, ended.signal);
    const tree = new Tree(ship, journal, hello.leaseSeconds * 1000);
    if (hello.anew) tree.distrust();
    const [claim, steering] = [new ClaimState(), new Steering(halt)];
    const context: ClaimContext = {
      ...{ ship, hello, helm, claim, steering, tree, journal, relay, window },
      resumes: hello.claim !== null,
    };
    const onTrial = (hand: SessionSettings) => {
      trial ??= proveHand(context, hand, ended.signal).finally(() => {
        trial = null;
      });
    };
    const onHalt = (reason: Halt) => {
      if (reason.kind === "stale") claimEnd?.abort(reason);
      else halt(reason);
    };
    heartbeat = new Heartbeat({ helm, hold, hello, claim, steering, onHalt, onTrial });
    closePresence = openPresence(ship, halt);
    if (hello.trial) onTrial(hello.trial);
    const onClaim = async (task: (signal: AbortSignal) => Promise<void>) => {
      claimEnd = new AbortController();
      await task(AbortSignal.any([ended.signal, claimEnd.signal]));
    };

    if (hello.interactive) {
      // No task is granted before the trial is told, and none at all when it has failed.
      await trial;
      const end = await workInteractively(context, hello.interactive, ended.signal, onClaim);
      goodbye = end.text;
      return end;
    }
    const workAt = (grant: Grant) => onClaim((signal) => work(context, grant, signal, handFor(hello, grant)));
    if (hello.claim) await workAt(hello.claim);
    context.resumes = false;
    for (let idleSince: number | null = null; ; ) {
      const reply = await helm.call("claim", {}, { totalMs: CLAIM_MS, signal: ended.signal });
      if (reply.kind === "grant") await workAt(reply.grant);
      if (reply.kind === "verify") await onClaim((signal) => verify(context, reply, signal).catch(dropStale));
      if (reply.kind !== "nothing" || trial) {
        idleSince = null;
        if (reply.kind === "nothing") await pause(Math.max(50, reply.retryAfterSeconds * 1000), ended.signal);
        continue;
      }
      idleSince ??= performance.now();
      const idleMs = performance.now() - idleSince;
      if (reply.reason === "done" || idleMs >= hello.lingerSeconds * 1000) {
        goodbye = `nothing to claim (${reply.reason})`;
        return { why: "nothing", text: goodbye };
      }
      await pause(Math.max(50, Math.min(reply.retryAfterSeconds * 1000, hello.lingerSeconds * 1000 - idleMs)), ended.signal);
    }
  } catch (error) {
    const reason = asHalt(error);
    if (reason instanceof Halt && reason.kind === "stop") goodbye = reason.message;
    if (reason instanceof Halt) return { why: reason.kind === "stale" ? "silence" : reason.kind, text: reason.message };
    throw error;
  } finally {
    orders.removeEventListener("abort", onOrders);
    ended.abort(new Halt("stop", "the claim loop has ended"));
    await trial;
    window.close();
    await heartbeat?.close();
    await hold.giveBack();
    if (goodbye !== null) await sayGoodbye(helm, goodbye);
    await closePresence();
  }
}

/** Throws Halt "away" when the helm does not answer, and HelmRefusal. */
async function sayHello(ship: ThisShip, helm: ShipApiClient, journal: Journal, signal: AbortSignal): Promise<HelloReply> {
  const facts = { pid: process.pid, node: process.version, git: gitVersion() };
  const hello = await helm.call("hello", facts, { totalMs: HELLO_MS, signal }).catch((error: unknown) => {
    throw error instanceof Halt || error instanceof HelmRefusal ? error : new Halt("away", (error as Error).message);
  });
  if (hello.hand !== "rehearsal" && hello.hand !== "claude")
    throw new Error(
      `this crew has the hands rehearsal and claude, and not "${hello.hand}"; pulumi up brings the helm's own crew`,
    );
  journal.note("hello", `${hello.ship} of ${hello.voyage.name}`, { ...facts, incarnation: ship.config.incarnation });
  return hello;
}

/** Tells the helm that this crew ends by its own will. Nothing depends on it, so that a failure is no matter. */
async function sayGoodbye(helm: ShipApiClient, why: string): Promise<void> {
  const leaving = why.slice(0, 200).toWellFormed();
  const bounds = { timeoutMs: GOODBYE_MS, signal: AbortSignal.timeout(GOODBYE_MS) };
  await helm.once("heartbeat", { claim: null, leaving }, bounds).catch(() => {});
}

const handFor = ({ hand }: HelloReply, { orders }: Grant): Hand =>
  hand === "rehearsal" ? rehearsalHand : orders ? ordersHand : claudeHand;

/** Drops a verification that another ship was given meanwhile. */
function dropStale(error: unknown): void {
  const reason = asHalt(error);
  if (!(reason instanceof Halt && reason.kind === "stale")) throw error;
}
