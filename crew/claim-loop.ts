import type { ClaimReply, Grant, HelloReply } from "../lib/protocol/ship-api.ts";
import type { Deck } from "./claim/context.ts";
import type { Hand } from "./claim/hand.ts";
import { work } from "./claim/work.ts";
import { sailInteractively } from "./hands/claude/interactive.ts";
import { waitForOrders } from "./hands/claude/orders.ts";
import { sailClaude } from "./hands/claude/task.ts";
import { proveHand } from "./hands/claude/trial.ts";
import { sailRehearsal } from "./hands/rehearsal.ts";
import { asHalt, Halt, Refused } from "./helm/halt.ts";
import { Heartbeat } from "./helm/heartbeat.ts";
import type { HelmClient } from "./helm/helm-client.ts";
import { openPresence } from "./helm/presence.ts";
import type { Journal } from "./machine/journal.ts";
import type { Hold } from "./machine/keep-awake.ts";
import { pause } from "./machine/pause.ts";
import type { ThisShip } from "./machine/ship.ts";
import { gitVersion } from "./tree/git.ts";
import { Tree } from "./tree/tree.ts";
import { verify } from "./verify/verify.ts";
import { Window } from "./window/window.ts";

const HELLO_MS = 15_000;
/** A helm that hears our heartbeats but does not answer a claim for so long is broken; the crew ends, and is started again by who can see why. */
const CLAIM_MS = 10 * 60_000;

/**
 * One watch: from hello until there is nothing to claim, or a halt. Returns why it ended; after "silence" and "away" another may begin.
 *
 * Order at the end: hold, then presence, then the process. The helm sees the presence end last, so what it then starts finds no crew half gone.
 */
export async function standWatch(
  ship: ThisShip,
  helm: HelmClient,
  hold: Hold,
  journal: Journal,
  orders: AbortSignal,
): Promise<{ why: "nothing" | Halt["kind"]; text: string }> {
  const ended = new AbortController();
  const halt = (reason: Halt) => ended.abort(reason);
  const onOrders = () => halt(orders.reason);
  orders.addEventListener("abort", onOrders);
  let heartbeat: Heartbeat | undefined;
  let closePresence = async () => {};
  const window = new Window(ship);
  let trial: Promise<void> | null = null;
  /** A claim's own end, so that a stale claim does not end the watch. */
  let claimEnd: AbortController | undefined;
  try {
    orders.throwIfAborted();
    const facts = { pid: process.pid, node: process.version, git: gitVersion() };
    const hello = await helm
      .call<HelloReply>("hello", facts, { totalMs: HELLO_MS, signal: ended.signal })
      .catch((error: unknown) => {
        throw error instanceof Halt || error instanceof Refused ? error : new Halt("away", (error as Error).message);
      });
    if (hello.hand !== "rehearsal" && hello.hand !== "claude") throw new Error(`this crew has no hand "${hello.hand}"`);
    journal.note("hello", `${hello.ship} of ${hello.voyage.name}`, { ...facts, incarnation: ship.config.incarnation });
    heartbeat = new Heartbeat(helm, hold, ship.config, hello, (reason) => {
      if (reason.kind === "stale") claimEnd?.abort(reason);
      else halt(reason);
    });
    closePresence = openPresence(ship, halt);
    const tree = new Tree(ship, journal, hello.leaseSeconds * 1000);
    if (hello.anew) tree.distrust();
    const deck: Deck = { ship, hello, helm, heartbeat, tree, journal, window, resumes: hello.claim !== null };
    heartbeat.onTrial = (hand) => {
      trial ??= proveHand(deck, hand, ended.signal).finally(() => {
        trial = null;
      });
    };
    if (hello.trial) heartbeat.onTrial(hello.trial);
    const onClaim = async (task: (signal: AbortSignal) => Promise<void>) => {
      claimEnd = new AbortController();
      await task(AbortSignal.any([ended.signal, claimEnd.signal]));
    };

    if (hello.interactive) {
      await trial; // nothing is granted before it is told; when it has failed, nothing at all
      return await sailInteractively(deck, hello.interactive, ended.signal, onClaim);
    }
    const sail = (grant: Grant) => onClaim((signal) => work(deck, grant, signal, handFor(hello, grant)));
    if (hello.claim) await sail(hello.claim);
    deck.resumes = false;
    for (let idleSince: number | null = null; ; ) {
      const reply = await helm.call<ClaimReply>("claim", {}, { totalMs: CLAIM_MS, signal: ended.signal });
      if (reply.kind === "grant") await sail(reply.grant);
      if (reply.kind === "verify") await onClaim((signal) => verify(deck, reply, signal).catch(dropStale));
      if (reply.kind !== "nothing" || trial) {
        idleSince = null;
        if (reply.kind === "nothing") await pause(Math.max(50, reply.retryAfterSeconds * 1000), ended.signal);
        continue;
      }
      idleSince ??= performance.now();
      const idleMs = performance.now() - idleSince;
      if (reply.reason === "done" || idleMs >= hello.lingerSeconds * 1000)
        return { why: "nothing", text: `nothing to claim (${reply.reason})` };
      await pause(Math.max(50, Math.min(reply.retryAfterSeconds * 1000, hello.lingerSeconds * 1000 - idleMs)), ended.signal);
    }
  } catch (error) {
    const reason = asHalt(error);
    if (reason instanceof Halt) return { why: reason.kind === "stale" ? "silence" : reason.kind, text: reason.message };
    throw error;
  } finally {
    orders.removeEventListener("abort", onOrders);
    ended.abort(new Halt("stop", "the watch has ended"));
    await trial;
    window.close();
    await heartbeat?.close();
    await hold.giveBack();
    await closePresence();
  }
}

const handFor = ({ hand }: HelloReply, { orders }: Grant): Hand =>
  hand === "rehearsal" ? sailRehearsal : orders ? waitForOrders : sailClaude;

/** A verification that another ship has been given meanwhile is no news. */
function dropStale(error: unknown): void {
  const reason = asHalt(error);
  if (!(reason instanceof Halt && reason.kind === "stale")) throw error;
}
