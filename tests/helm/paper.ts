import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HelmClock, systemClock } from "../../helm/clock.ts";
import { Ledger } from "../../helm/ledger/ledger.ts";
import { Store } from "../../helm/ledger/store.ts";
import type { Branch } from "../../helm/repository/branch.ts";
import { Voyage } from "../../helm/voyage/voyage.ts";
import type { RegisterVoyage } from "../../lib/protocol/admin-api.ts";
import { makePlan } from "../support/helm-voyage.ts";

/**
 * Makes voyages in this process: the real ledger and rules, on a branch that is not real and, if wished, a clock that
 * the test moves.
 */

/** A branch without a repository: every merge is clean, and every mirror empty. */
export function paperBranch(): Branch {
  let tip = 1;
  const id = (n: number) => n.toString(16).padStart(40, "0");
  return {
    name: "v",
    tip: async () => id(tip),
    merge: async () => ({ kind: "clean", tip: id(tip), commit: id(tip + 1) }),
    move: async () => {
      tip++;
      return true;
    },
    touched: async () => [],
    holds: async () => true,
    rescue: async () => null,
    showTip: async () => {},
  };
}

export type HandClock = HelmClock & { pass: (seconds: number) => void };
export function handClock(): HandClock {
  let ms = 1_000_000;
  return {
    now: () => ms,
    wallMs: () => ms,
    pass: (seconds) => {
      ms += seconds * 1000;
    },
  };
}

type Wish = {
  file: string;
  graph: Record<string, string[]>;
  metadata?: Record<string, Record<string, unknown>>;
  timing: RegisterVoyage["timing"];
  /** What else is registered than the plan: its verify.sh and spec, the hand, the budget. */
  plan?: Partial<RegisterVoyage["plan"]>;
  hand?: RegisterVoyage["hand"];
  budgetUsd?: number;
  id?: string;
  sync?: "full" | "off";
  clock?: HelmClock;
  branch?: Branch;
  log?: (event: string) => void;
};

/** Opens a voyage on its ledger file, as a helm that starts does, and registers its plan. */
export async function openPaperVoyage(wish: Wish): Promise<Voyage> {
  const clock = wish.clock ?? systemClock;
  const ledger = new Ledger(new Store(wish.file, { sync: wish.sync ?? "off" }), () => clock.wallMs());
  const voyage = new Voyage({
    id: wish.id ?? "abc123",
    ledger,
    branch: wish.branch ?? paperBranch(),
    clock,
    log: (event) => wish.log?.(event),
    show: async () => {},
    holdMs: 0,
  });
  await voyage.open();
  const plan = makePlan(wish.graph, wish.metadata && { metadata: wish.metadata });
  await voyage.register({
    stack: "v",
    plan: { ...plan, ...wish.plan },
    hand: wish.hand ?? "rehearsal",
    timing: wish.timing,
    ...(wish.budgetUsd !== undefined && { budgetUsd: wish.budgetUsd }),
  });
  return voyage;
}

/** Registers a ship, and gives what it can call. */
export async function boardPaperShip(voyage: Voyage, name: string, incarnation = `vm-${name}`) {
  const caller = voyage.ledger.lifeOfToken(await voyage.crews.register(name, incarnation))!;
  const ask = () => ({ requestId: randomUUID(), incarnation });
  return {
    caller,
    hello: () => voyage.calls.answer("hello", caller, { ...ask(), pid: 1, node: "24", git: "2" }),
    grant: async () => {
      const reply = await voyage.calls.answer("claim", caller, ask());
      if (reply.kind !== "grant") throw new Error(`no grant: ${JSON.stringify(reply)}`);
      return reply.grant;
    },
    claim: () => voyage.calls.answer("claim", caller, ask()),
    heartbeat: () => voyage.calls.answer("heartbeat", caller, { ...ask(), claim: null }),
    release: (task: string, epoch: number) =>
      voyage.calls.answer("release", caller, { ...ask(), task, epoch, reason: "test", failed: false }),
    accept: (task: string, epoch: number, more: object = {}) =>
      voyage.calls.answer("accept", caller, {
        ...ask(),
        task,
        epoch,
        commit: "1".repeat(40),
        summary: "",
        check: null,
        seconds: 0,
        ...more,
      }),
    present: () => voyage.calls.present(caller, () => {}),
  };
}

export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), "ocp-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}
