import type { SessionSettings } from "../../lib/plan/types.ts";
import * as api from "../../lib/protocol/ship-api.ts";
import * as claimApi from "../../lib/protocol/ship-claims.ts";
import * as reportApi from "../../lib/protocol/ship-reports.ts";
import { blockSpent, blockSpentBeforeGrant, whyVoyageIsSpent } from "../ledger/budget.ts";
import * as claims from "../ledger/claims.ts";
import { isTriedAnew } from "../ledger/faults.ts";
import { grantOf } from "../ledger/grant.ts";
import * as hands from "../ledger/hand-reports.ts";
import { planHandSettings } from "../ledger/hand-settings.ts";
import type { Life } from "../ledger/ledger.ts";
import { limitOf, noteLimit } from "../ledger/limits.ts";
import { noteGoodbye, noteHello, noteTrial } from "../ledger/lives.ts";
import { whyGiveBack } from "../ledger/pause.ts";
import { probed, probeOf, unprobed } from "../ledger/probes.ts";
import { unverified, verified } from "../ledger/verifications.ts";
import type { Accepting } from "./accepting.ts";
import type { VoyageContext } from "./context.ts";
import { Overlaps } from "./overlaps.ts";
import type { CallTable } from "./ship-calls.ts";
import { voyageStatus } from "./status.ts";

/**
 * A ship that gets nothing is to ask again after this part of its heartbeat's period, but within
 * {@link MOST_RETRY_SECONDS}.
 */
const RETRY_SHARE = 1 / 5;
const MOST_RETRY_SECONDS = 2;

/** All calls of the ship API, as one voyage answers them. */
export function callTable(context: VoyageContext, accepting: Accepting): CallTable {
  const { ledger } = context;
  const overlaps = new Overlaps(ledger);

  /** Runs `job` in one write, for a life that is not over. @throws Refused `fenced` */
  const write = <T>(caller: Life, job: () => T): Promise<T> =>
    ledger.write(() => {
      claims.assertAlive(ledger, caller.life);
      return job();
    });

  /** The end of a claim; the task is blocked with it when its budget is spent. */
  const ended = (task: string, touched: Set<string>, reply: claimApi.ReleaseReply): claimApi.ReleaseReply => {
    touched.add(task);
    return blockSpent(ledger, [ledger.task(task)]).length > 0 ? { ...reply, status: "blocked" } : reply;
  };

  /** A spec may be long: it goes with each grant to a hand that reads it, and is not stored with each. */
  const withSpec = (grant: claimApi.Grant): claimApi.Grant => {
    const spec = ledger.meta("spec");
    return grant.hand && spec ? { ...grant, spec } : grant;
  };

  /** Asks for the trial of the hand, until its outcome is known. */
  const trialDue = (caller: Life): { trial?: SessionSettings } =>
    ledger.fitness(caller.life) === "due" ? { trial: planHandSettings(ledger) } : {};

  const interactive = (): Pick<api.HelloReply, "interactive"> => {
    const { interactive, ...settings } = planHandSettings(ledger);
    // An empty sail's one task says by itself how it is done.
    if (!interactive || ledger.meta("hand") !== "claude" || ledger.meta("orders")) return {};
    return { interactive: { ...settings, spec: ledger.meta("spec") ?? "" } };
  };

  const isAtWork = (caller: Life): boolean =>
    ledger.claimOf(caller.life) !== undefined ||
    ledger.openVerification()?.life === caller.life ||
    probeOf(ledger, caller.life) !== undefined;

  /** How the ship is to go on. */
  const steer = (caller: Life): api.HeartbeatReply => {
    if (ledger.ship(caller.ship)?.stopping) return { steer: "stop", reason: "the captain says stop" };
    const spent = whyVoyageIsSpent(ledger);
    if (spent) return { steer: "budget", reason: spent };
    const givesBack = ledger.claimOf(caller.life) ? whyGiveBack(ledger) : null;
    if (givesBack) return { steer: "stop", reason: givesBack };
    const limited = limitOf(ledger, caller.ship);
    return { steer: "go", ...trialDue(caller), ...(limited && { limitedUntil: limited.until }) };
  };

  const telemetry = () => {
    const choice = ledger.meta("telemetry");
    if (ledger.meta("hand") !== "claude" || choice === "off") return {};
    return { telemetry: { contents: choice === "contents" } };
  };

  return {
    hello: {
      schema: api.Hello,
      idempotent: true,
      async run(caller) {
        await write(caller, () => noteHello(ledger, caller.life));
        const held = ledger.claimOf(caller.life);
        context.notify();
        return {
          voyage: { id: context.id, stack: ledger.meta("stack")!, branch: context.branch.name, name: ledger.meta("name")! },
          ship: caller.ship,
          hand: ledger.meta("hand") === "claude" ? "claude" : "rehearsal",
          ...context.timing,
          ...trialDue(caller),
          ...interactive(),
          ...telemetry(),
          claim: held ? withSpec(grantOf(ledger, held)) : null,
          ...(isTriedAnew(ledger, caller.life) && { anew: true as const }),
        };
      },
    },

    claim: {
      schema: claimApi.ClaimRequest,
      idempotent: false,
      answersBeforeFiles: true,
      changedNothing: (reply) => reply.kind === "nothing",
      run(caller, ask, touched) {
        const retryAfterSeconds = Math.min(MOST_RETRY_SECONDS, context.timing.heartbeatSeconds * RETRY_SHARE);
        const later = overlaps.withWork();
        for (const task of blockSpentBeforeGrant(ledger, later)) touched.add(task);
        // What comes of a claim could not be accepted now.
        if (context.trouble !== null && !ledger.claimOf(caller.life))
          return { kind: "nothing", reason: "paused", retryAfterSeconds };
        // It is about to leave the fleet.
        if (context.offDuty.has(caller.ship) && !isAtWork(caller))
          return { kind: "nothing", reason: "paused", retryAfterSeconds };
        const reply = claims.claim(ledger, caller, {
          ...{ tip: context.tip, retryAfterSeconds, only: ask.only, later },
          patienceMs: context.timing.heartbeatSeconds * 1000,
          lingerMs: context.timing.lingerSeconds * 1000,
        });
        if (reply.kind === "grant") touched.add(reply.grant.task.id);
        return reply;
      },
      complete(reply, ask) {
        if (reply.kind === "grant") return { kind: "grant", grant: withSpec(reply.grant) };
        // The list may be long, and is of the moment.
        return reply.kind === "nothing" && ask.only !== undefined
          ? { ...reply, free: ledger.freeTasks(overlaps.withWork()) }
          : reply;
      },
    },

    heartbeat: {
      schema: api.Heartbeat,
      idempotent: true,
      async run(caller, ask) {
        claims.assertAlive(ledger, caller.life);
        if (ask.claim) claims.assertHolds(ledger, caller.life, ask.claim.task, ask.claim.epoch);
        if (ask.leaving !== undefined) await write(caller, () => noteGoodbye(ledger, caller.life, ask.leaving!));
        return steer(caller);
      },
    },

    // It may run again, since the write that accepts a task stores the reply.
    accept: { schema: claimApi.AcceptRequest, idempotent: true, run: (caller, ask) => accepting.accept(caller, ask) },

    // Alone: a claim whose accept moves the branch just now must not be given back meanwhile.
    release: {
      schema: claimApi.ReleaseRequest,
      idempotent: false,
      alone: true,
      run: (caller, ask, touched) => ended(ask.task, touched, claims.release(ledger, caller.life, ask)),
    },
    ask: {
      schema: claimApi.AskRequest,
      idempotent: false,
      alone: true,
      run: (caller, ask, touched) => ended(ask.task, touched, hands.ask(ledger, caller.life, ask)),
    },

    // On disk before the answer: the hand starts after it.
    session: {
      schema: reportApi.SessionRequest,
      idempotent: true,
      async run(caller, ask) {
        await write(caller, () => hands.beginSession(ledger, caller.life, ask));
        return {};
      },
    },

    // What a fenced ship has spent counts all the same.
    usage: {
      schema: reportApi.UsageRequest,
      idempotent: true,
      alsoFenced: true,
      async run(caller, ask) {
        const blocked = await ledger.write(() => {
          hands.noteUsage(ledger, caller.life, ask);
          return ask.task === undefined ? [] : blockSpent(ledger, [ledger.task(ask.task)]);
        });
        // A task's file is written at the end of a run: if it were as the run grows, each ship's sync would have to
        // carry it.
        const ended = ask.growing || ask.task === undefined ? [] : [ask.task];
        if (ended.length + blocked.length > 0) await context.changed(...ended, ...blocked);
        else context.notify();
        return steer(caller);
      },
    },

    trial: {
      schema: reportApi.TrialRequest,
      idempotent: true,
      async run(caller, ask) {
        await write(caller, () => noteTrial(ledger, caller.life, ask));
        context.notify();
        return {};
      },
    },

    limited: {
      schema: reportApi.LimitedRequest,
      idempotent: true,
      async run(caller, ask) {
        const until = await write(caller, () => {
          noteLimit(ledger, caller.ship, ask);
          return limitOf(ledger, caller.ship)?.until ?? ask.until;
        });
        context.notify();
        return { until };
      },
    },

    verified: {
      schema: reportApi.VerifiedRequest,
      idempotent: false,
      run(caller, ask) {
        if (!probed(ledger, caller.life, ask)) verified(ledger, caller.life, ask);
        return { state: voyageStatus(context).state };
      },
    },
    unverified: {
      schema: reportApi.UnverifiedRequest,
      idempotent: false,
      run(caller, ask) {
        if (!unprobed(ledger, caller.life, ask)) unverified(ledger, caller.life, ask);
        return {};
      },
    },
  };
}
