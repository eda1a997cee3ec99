import { explain, OcaptainError } from "../../lib/base/errors.ts";
import type { PlanChanges, RegisterVoyage, ShipRow, VoyageStatus } from "../../lib/protocol/admin-api.ts";
import type { TaskRow } from "../../lib/protocol/status.ts";
import type { Clock } from "../clock.ts";
import { blockSpent, whyTaskIsSpent } from "../ledger/budget.ts";
import { forgetFailedVerifications } from "../ledger/claims.ts";
import { forgetLosses } from "../ledger/faults.ts";
import * as hands from "../ledger/hand-reports.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { forgetLimits, liftLimits, voyageLimit } from "../ledger/limits.ts";
import { applyPlan, planChanges } from "../ledger/plan-changes.ts";
import type { Log } from "../log.ts";
import type { Branch } from "../repository/branch.ts";
import { Accepting } from "./accepting.ts";
import { Crews } from "./crews.ts";
import { Fencing } from "./fencing.ts";
import { Leases } from "./leases.ts";
import { Sightings } from "./liveness.ts";
import { ShipCalls } from "./ship-calls.ts";
import { isInteractive, shipRow, taskRow, voyageState } from "./status.ts";

export type Timing = { leaseSeconds: number; heartbeatSeconds: number; fenceSeconds: number; lingerSeconds: number };
export const DEFAULT_TIMING: Timing = { leaseSeconds: 120, heartbeatSeconds: 10, fenceSeconds: 90, lingerSeconds: 8 };

/** What a voyage needs from around it. `show` writes task files. */
export type VoyageParts = {
  id: string;
  ledger: Ledger;
  branch: Branch;
  clock: Clock;
  log: Log;
  show: (...tasks: string[]) => Promise<void>;
  /** Of {@link Accepting}. */
  holdMs?: number;
};

/**
 * One voyage: the rules of design 8 over its ledger. What the captain does to it goes through here, what ships
 * do through {@link ShipCalls}.
 */
export class Voyage {
  readonly id: string;
  /** The branch's name. */
  readonly branch: string;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly leases: Leases;
  readonly #parts: VoyageParts;
  readonly #fencing: Fencing;
  readonly #accepting: Accepting;
  /** The captain's orders to its ships. */
  readonly crews: Crews;
  /** What ships ask of it. */
  readonly calls: ShipCalls;
  readonly #watchers = new Set<() => void>();
  timing: Timing = DEFAULT_TIMING;
  tip = "";
  /** Why nothing can be accepted: the repository cannot be read, or its branch not be moved. Nothing is granted meanwhile. */
  trouble: string | null = null;

  constructor(parts: VoyageParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.branch = parts.branch.name;
    this.ledger = parts.ledger;
    this.sightings = new Sightings(parts.clock);
    this.leases = new Leases(parts.clock, this.timing.leaseSeconds * 1000);
    const changed = this.#changed;
    const accepting = new Accepting({
      ...parts,
      changed,
      moved: (tip) => this.#moved(tip),
      inTrouble: (error) => this.#note(error),
    });
    this.#accepting = accepting;
    this.#fencing = new Fencing({ ...parts, alone: (job) => accepting.alone(job), changed });
    this.crews = new Crews({ ...parts, sightings: this.sightings, fencing: this.#fencing, changed, silenceMs: this.#silenceMs });
    this.calls = new ShipCalls({ voyage: this, accepting, changed, notify: () => this.#notify() });
  }

  /** Reads settings and finishes accepts that a death of the helm has left half done; fences are {@link tick}'s. Before it is through, no call may come in. */
  async open(): Promise<void> {
    const timing = this.ledger.meta("timing");
    if (timing) this.#setTiming(JSON.parse(timing));
    this.tip = await this.#parts.branch.tip();
    await this.#accepting.recover();
  }

  // -- the captain

  /** Idempotent: writes plan and settings. Throws BAD_PLAN. */
  async register(ask: Pick<RegisterVoyage, "stack" | "plan" | "hand" | "timing" | "budgetUsd">): Promise<PlanChanges> {
    const timing = { ...DEFAULT_TIMING, ...ask.timing };
    const changes = await this.ledger.store.write(() => {
      const { ledger } = this;
      ledger.setMeta("stack", ask.stack);
      ledger.setMeta("name", ask.plan.name);
      ledger.setMeta("hand", ask.hand);
      ledger.setMeta("timing", JSON.stringify(timing));
      ledger.setMeta("verify", ask.plan.verify ?? "");
      ledger.setMeta("spec", ask.plan.spec);
      ledger.setMeta("claude", JSON.stringify(ask.plan.claude ?? {}));
      ledger.setMeta("timeoutSeconds", String(ask.plan.timeoutSeconds ?? ""));
      ledger.setMeta("orders", ask.plan.orders ? "1" : "");
      ledger.setMeta("budgetUsd", String(ask.budgetUsd ?? ""));
      // Whoever sails anew may have brought another account.
      forgetLimits(ledger);
      ledger.setMeta("sunk", "");
      const changes = applyPlan(ledger, ask.plan);
      blockSpent(ledger, ledger.pendingWithRuns());
      forgetFailedVerifications(ledger);
      return changes;
    });
    this.#setTiming(timing);
    await this.#changed(...this.ledger.tasks().map((task) => task.id));
    return changes;
  }

  planChanges(plan: RegisterVoyage["plan"]): PlanChanges {
    return planChanges(this.ledger, plan);
  }

  /** A blocked task is pending again, with all its tries. Another task stays as it is. Throws NO_TASK; BUDGET when it could not be granted. */
  async retry(id: string): Promise<TaskRow> {
    const task = this.#task(id);
    const spent = task.status === "blocked" && whyTaskIsSpent(this.ledger, task);
    if (spent)
      throw new OcaptainError("BUDGET", `task ${id}: ${spent}`, {
        hint: `raise claude.budgetUsd in the plan (tasks/${id}.json: metadata.claude, or voyage.json), then: pulumi up -s ${this.ledger.meta("stack")}`,
      });
    await this.ledger.store.write(() => {
      const { changes } = this.ledger.store.run(
        "UPDATE tasks SET status = 'pending', tries = 0, changed_at = ? WHERE id = ? AND status = 'blocked'",
        this.ledger.at(),
        id,
      );
      if (changes) forgetLosses(this.ledger, id);
    });
    await this.#changed(id);
    return taskRow(this.ledger, this.#task(id));
  }

  /** verify.sh is run again where it failed. */
  async retryVerification(): Promise<VoyageStatus> {
    await this.ledger.store.write(() => forgetFailedVerifications(this.ledger));
    this.#notify();
    return this.status();
  }

  /** The captain's answer to what the task's agent asked: the task is pending again, and its next grant tells both. Throws NO_TASK, NO_QUESTION. */
  async answer(id: string, text: string): Promise<TaskRow> {
    this.#task(id);
    await this.ledger.store.write(() => hands.answer(this.ledger, id, text));
    await this.#changed(id);
    return taskRow(this.ledger, this.#task(id));
  }

  /** Fences whoever holds the task and requeues it. Quiet when nobody does. Throws NO_TASK. */
  async releaseTask(id: string, reason: string): Promise<TaskRow> {
    const { status, life } = this.#task(id);
    if (status === "claimed" && life !== null) await this.#fencing.fence(life, reason, false);
    return taskRow(this.ledger, this.#task(id));
  }

  /** The captain says that no usage limit holds the voyage: tasks are given out again. Returns the ships that had told of one. */
  async liftLimits(): Promise<string[]> {
    const lifted = await this.ledger.store.write(() => liftLimits(this.ledger));
    await this.#changed();
    return lifted;
  }

  taskRow(id: string): TaskRow {
    return taskRow(this.ledger, this.#task(id));
  }

  /** The voyage ends: tokens die, supervisors are told to stop. */
  async sink(): Promise<void> {
    await this.ledger.store.write(() => {
      this.ledger.setMeta("sunk", "1");
      this.ledger.store.run("DELETE FROM tokens");
    });
    this.sightings.sayAll({ type: "stop", reason: "the voyage has ended" });
  }

  status(): VoyageStatus {
    const { ledger, tip } = this;
    const verified = ledger.verified(tip, ledger.meta("verify") ?? "");
    const ships = this.ships();
    const limited = voyageLimit(ledger);
    return {
      id: this.id,
      stack: ledger.meta("stack") ?? "",
      name: ledger.meta("name") ?? "",
      state: voyageState(ledger, tip, ships),
      branch: this.branch,
      tip,
      verified: verified
        ? { commit: verified.commit_id, exitCode: verified.exit_code ?? -1, output: verified.output ?? "", at: verified.at }
        : null,
      tasks: ledger.tasks().map((task) => taskRow(ledger, task)),
      ships,
      spend: { ...ledger.spend(), budgetUsd: ledger.budgetUsd() ?? null, byShip: ledger.spendByShip() },
      ...(isInteractive(ledger) && { interactive: true as const }),
      ...(limited && { limited }),
      ...(this.trouble !== null && { trouble: this.trouble }),
      asOf: ledger.at(),
    };
  }

  ships(): ShipRow[] {
    const at = this.#viewpoint();
    return this.ledger.ships().map((record) => shipRow(this.ledger, record, this.sightings, at));
  }

  /** null for a ship that is not registered. */
  shipRow(ship: string): ShipRow | null {
    const record = this.ledger.ship(ship);
    return record ? shipRow(this.ledger, record, this.sightings, this.#viewpoint()) : null;
  }

  #viewpoint() {
    const work = { freeTasks: this.ledger.grantableCount() > 0, verification: this.ledger.verificationDue(this.tip) };
    return { silenceMs: this.#silenceMs(), lostMs: this.timing.fenceSeconds * 1000, ...work };
  }

  /** Calls back after each change, until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  // -- time

  /** Looks at the leases, and begins the fences that are due; to be called at least every two seconds. It waits for none: all clocks go on meanwhile. */
  tick(): void {
    const holders = this.ledger.store.all<{ life: number; fenced: number }>(
      `SELECT life, fenced FROM lives WHERE life IN
         (SELECT life FROM tasks WHERE status = 'claimed' UNION SELECT life FROM verifications WHERE status = 'claimed')`,
    );
    const { lives, jumped } = this.leases.expired(holders.map((holder) => holder.life));
    if (jumped) {
      this.sightings.begin(this.leases.leaseMs);
      this.#parts.log("clock-jump", { voyage: this.id });
    }
    for (const { life, fenced } of holders) {
      // A fence cut short, by the helm's death or a full disk, goes on. Why it began is not known any more, so it costs no try.
      if (fenced) this.#fencing.begin(life, this.ledger.life(life)?.reason ?? "fenced", false);
      else if (lives.includes(life)) this.#fencing.begin(life, `no word for ${this.timing.leaseSeconds} s`, true);
    }
  }

  /** A supervisor says a heartbeat also while it has nothing to do: after three missed ones it is taken for asleep or gone. */
  #silenceMs = () => this.timing.heartbeatSeconds * 3_000;

  #setTiming(timing: Timing): void {
    this.timing = timing;
    this.leases.leaseMs = timing.leaseSeconds * 1000;
  }

  #task(id: string) {
    const task = this.ledger.task(id);
    if (!task) throw new OcaptainError("NO_TASK", `voyage ${this.id} has no task ${id}`, { hint: "ocaptain status" });
    return task;
  }

  #moved(tip: string): void {
    this.tip = tip;
  }

  /** Looks whether somebody else moved the branch (a person may, in the captain's folder); and whether what stood in the way of accepts is gone. */
  async readTip(): Promise<void> {
    const { branch } = this.#parts;
    const before = this.tip;
    try {
      const tip = await branch.tip();
      if (this.trouble !== null) await branch.move(tip, tip);
      this.#note(null);
      // Moved by an accept meanwhile: what was read may be older.
      if (tip === this.tip || this.tip !== before) return;
      this.tip = tip;
      this.#notify();
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  /** Throws what keeps the branch from being moved. */
  async assertMovable(): Promise<void> {
    this.trouble ??= "it was not looked at";
    await this.readTip();
  }

  #note(error: unknown): void {
    const trouble = error === null ? null : explain(error);
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    this.#parts.log(trouble === null ? "trouble-over" : "trouble", { voyage: this.id, ...(trouble !== null && { trouble }) });
    this.#notify();
  }

  readonly #changed = async (...tasks: string[]): Promise<void> => {
    this.#notify();
    await this.#parts.show(...tasks);
  };

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
