import { OcaptainError } from "../../lib/base/errors.ts";
import type { AddedTask, FollowUp, PlanChanges, RegisterVoyage, ShipRow, VoyageStatus } from "../../lib/protocol/admin-api.ts";
import type { VoyageEvents } from "../../lib/protocol/events.ts";
import type { AskProbe, ProbeResult, ProbeRow, Probes } from "../../lib/protocol/probes.ts";
import type { TaskRow } from "../../lib/protocol/status.ts";
import { blockSpent, configureBudget, sayBudget } from "../ledger/budget.ts";
import { retryTask } from "../ledger/claims.ts";
import { eventsAfter, noteEvent } from "../ledger/events.ts";
import { addFollowUp, cancelFollowUp } from "../ledger/follow-ups.ts";
import * as hands from "../ledger/hand-reports.ts";
import type { Ledger, TaskRecord } from "../ledger/ledger.ts";
import { forgetLimits, isLimitOver, liftLimits, noteLimitOver } from "../ledger/limits.ts";
import { type Holder, holders, markSunk } from "../ledger/lives.ts";
import { pause, resume, whyGiveBack } from "../ledger/pause.ts";
import { applyPlan, planChanges } from "../ledger/plan-changes.ts";
import { askProbe, cancelProbe, cancelProbes, cancelStaleProbes, probeResult, probes } from "../ledger/probes.ts";
import { setSigning } from "../ledger/signing.ts";
import { pendingWithRuns } from "../ledger/spend.ts";
import { forgetFailedVerifications } from "../ledger/verifications.ts";
import { Accepting } from "./accepting.ts";
import { callTable } from "./call-table.ts";
import { DEFAULT_TIMING, VoyageContext, type VoyageParts } from "./context.ts";
import { Crews } from "./crews.ts";
import { Fencing } from "./fencing.ts";
import { ShipCalls } from "./ship-calls.ts";
import { shipRow, taskRow, voyageStatus } from "./status.ts";

/**
 * One voyage: the rules of docs/design.md#claims over its ledger. The captain's orders to it are here, those to its
 * ships in `crews`; what ships ask of it is in `calls`.
 */
export class Voyage {
  readonly context: VoyageContext;
  readonly crews: Crews;
  readonly calls: ShipCalls;
  readonly #accepting: Accepting;
  readonly #fencing: Fencing;

  constructor(parts: VoyageParts) {
    this.context = new VoyageContext(parts);
    this.#accepting = new Accepting(this.context);
    this.#fencing = new Fencing(this.context, this.#accepting);
    this.crews = new Crews(this.context, this.#fencing);
    this.calls = new ShipCalls(this.context, this.#accepting, callTable(this.context, this.#accepting));
  }

  get id(): string {
    return this.context.id;
  }
  get ledger(): Ledger {
    return this.context.ledger;
  }

  /**
   * Reads the settings and finishes accepts that a death of the helm has left half done; {@link tick} goes on with
   * fences. No call may come in before it is through.
   */
  async open(): Promise<void> {
    const timing = this.ledger.meta("timing");
    if (timing) this.context.setTiming(JSON.parse(timing));
    this.context.tip = await this.context.branch.tip();
    await this.#accepting.recover();
  }

  // -- the captain's orders

  /**
   * Writes the plan and the settings. It may be called again.
   * @throws OcaptainError BAD_PLAN
   */
  async register(ask: Omit<RegisterVoyage, "folder" | "provider" | "listenAt">): Promise<PlanChanges> {
    const { ledger } = this;
    const timing = { ...DEFAULT_TIMING, ...ask.timing };
    const changes = await ledger.write(() => {
      const isFirst = ledger.meta("stack") === undefined;
      noteEvent(ledger, "voyage-registered", { data: { tasks: ask.plan.tasks.length, ...(isFirst && { first: true }) } });
      ledger.setMeta("stack", ask.stack);
      ledger.setMeta("name", ask.plan.name);
      // The whole plan is kept as it came, so that the voyage needs the plan's folder no more.
      ledger.setMeta("plan", JSON.stringify(ask.plan));
      ledger.setMeta("planFolder", ask.planFolder ?? "");
      setSigning(ledger, ask);
      ledger.setMeta("hand", ask.hand);
      ledger.setMeta("timing", JSON.stringify(timing));
      ledger.setMeta("verify", ask.plan.verify ?? "");
      ledger.setMeta("spec", ask.plan.spec);
      ledger.setMeta("claude", JSON.stringify(ask.plan.claude ?? {}));
      ledger.setMeta("prices", JSON.stringify(ask.plan.prices ?? {}));
      ledger.setMeta("timeoutSeconds", String(ask.plan.timeoutSeconds ?? ""));
      ledger.setMeta("orders", ask.plan.orders ? "1" : "");
      configureBudget(ledger, ask.budgetUsd, isFirst);
      ledger.setMeta("telemetry", ask.telemetry ?? "");
      ledger.setMeta("noProgressMinutes", String(ask.noProgressMinutes ?? ""));
      // Whoever sails anew may have brought another account.
      forgetLimits(ledger);
      ledger.setMeta("sunk", "");
      const changes = applyPlan(ledger, ask.plan, isFirst);
      blockSpent(ledger, pendingWithRuns(ledger));
      forgetFailedVerifications(ledger);
      cancelStaleProbes(ledger);
      return changes;
    });
    this.context.setTiming(timing);
    await this.context.changed(...ledger.tasks().map((task) => task.id));
    return changes;
  }

  /** What registering this plan would change; nothing is written. */
  planChanges(plan: RegisterVoyage["plan"]): PlanChanges {
    return planChanges(this.ledger, plan);
  }

  /**
   * Adds a task beside the plan; a voyage that had come to its end sails again. The same signature adds nothing twice.
   * @throws OcaptainError BAD_TASK
   */
  async addTask(ask: FollowUp): Promise<AddedTask> {
    const { id, isNew } = await this.ledger.write(() => addFollowUp(this.ledger, ask));
    await this.context.changed(id);
    return { task: this.taskRow(id), isNew };
  }

  /**
   * Cancels a task that was added beside the plan, and that nobody is at.
   * @throws OcaptainError NO_TASK, TASK_STATUS
   */
  async cancelTask(id: string): Promise<TaskRow> {
    this.#task(id);
    await this.ledger.write(() => cancelFollowUp(this.ledger, this.#task(id)));
    await this.context.changed(id);
    return this.taskRow(id);
  }

  /**
   * Makes a blocked task pending again, with all its tries. Another task stays as it is.
   * @throws OcaptainError NO_TASK; BUDGET when the task could not be granted
   */
  async retry(id: string): Promise<TaskRow> {
    this.#task(id);
    await this.ledger.write(() => retryTask(this.ledger, this.#task(id)));
    await this.context.changed(id);
    return this.taskRow(id);
  }

  /** Lets verify.sh run again where it has failed. */
  async retryVerification(): Promise<VoyageStatus> {
    await this.ledger.write(() => forgetFailedVerifications(this.ledger));
    this.context.notify();
    return this.status();
  }

  /**
   * Has verify.sh run at a commit of the branch by a ship that has nothing else to do. It says nothing of the voyage.
   * @throws OcaptainError NO_VERIFY, TOO_MANY_PROBES, NOT_ON_BRANCH
   */
  async askProbe({ commit, later = [] }: AskProbe): Promise<ProbeRow> {
    const { branch } = this.context;
    if (!(await branch.holds(commit)))
      throw new OcaptainError("NOT_ON_BRANCH", `branch ${branch.name} does not hold the commit ${commit}`, {
        hint: `ocaptain diff ${branch.name} --stat`,
      });
    const row = await this.ledger.write(() => askProbe(this.ledger, commit, later));
    this.context.notify();
    return row;
  }

  /** Takes a probe back that no ship runs yet. @throws OcaptainError NO_PROBE */
  async cancelProbe(probe: number): Promise<ProbeRow> {
    const row = await this.ledger.write(() => cancelProbe(this.ledger, probe));
    this.context.notify();
    return row;
  }

  /** @throws OcaptainError NO_PROBE */
  probe(probe: number): ProbeResult {
    return probeResult(this.ledger, probe);
  }

  /** The probes that are not through, and what is known of commits by the plan's verify.sh. */
  probes(): Probes {
    return probes(this.ledger);
  }

  /**
   * Stores the captain's answer to what the task's agent has asked: the task is pending again, and its next grant tells
   * both.
   * @throws OcaptainError NO_TASK, NO_QUESTION
   */
  async answer(id: string, text: string): Promise<TaskRow> {
    this.#task(id);
    await this.ledger.write(() => hands.answer(this.ledger, id, text));
    await this.context.changed(id);
    return this.taskRow(id);
  }

  /**
   * Fences whoever holds the task and makes it pending again. Does nothing when nobody holds it.
   * @throws OcaptainError NO_TASK
   */
  async releaseTask(id: string, reason: string): Promise<TaskRow> {
    const { status, life } = this.#task(id);
    if (status === "claimed" && life !== null) await this.#fencing.fence(life, reason, false);
    return this.taskRow(id);
  }

  /**
   * Takes it from the captain that no usage limit holds the voyage: tasks are given out again. Returns the ships that
   * had told of one.
   */
  async liftLimits(): Promise<string[]> {
    const lifted = await this.ledger.write(() => liftLimits(this.ledger));
    await this.context.changed();
    return lifted;
  }

  /**
   * Gives nothing out any more, until {@link resume}. Ships at work end their tasks, or give them back after
   * `withinSeconds`; ships without work end and sleep.
   */
  async pause(withinSeconds?: number): Promise<VoyageStatus> {
    await this.ledger.write(() => pause(this.ledger, withinSeconds));
    this.context.notify();
    return this.status();
  }

  /** Gives tasks out again, and so has ships woken for them. */
  async resume(): Promise<VoyageStatus> {
    await this.ledger.write(() => resume(this.ledger));
    this.context.notify();
    return this.status();
  }

  /**
   * Takes the captain's word for what the voyage may spend. It holds until the configured budget changes; null takes it
   * back.
   * @throws OcaptainError NO_BUDGET where the voyage's hand spends nothing
   */
  async setBudget(usd: number | null): Promise<VoyageStatus> {
    const hand = this.ledger.meta("hand");
    if (hand !== "claude")
      throw new OcaptainError("NO_BUDGET", `the hand ${hand} uses no model: voyage ${this.id} spends nothing`, {
        hint: "ocaptain status",
      });
    await this.ledger.write(() => sayBudget(this.ledger, usd));
    this.context.notify();
    return this.status();
  }

  /**
   * Gives these ships nothing new for so many seconds, as they are about to leave the fleet; 0 ends that. What a ship
   * holds it keeps.
   */
  putOffDuty(ships: readonly string[], seconds: number): VoyageStatus {
    this.context.offDuty.set(ships, seconds);
    this.context.notify();
    return this.status();
  }

  /** Notes that a helm has started, and has this voyage again. */
  async noteStart(): Promise<void> {
    await this.ledger.write(() => noteEvent(this.ledger, "helm-started"));
  }

  /** Ends the voyage: no token is known any more, and supervisors are told to stop. */
  async sink(): Promise<void> {
    await this.ledger.write(() => {
      cancelProbes(this.ledger);
      markSunk(this.ledger);
    });
    this.context.liveness.sayAll({ type: "stop", reason: "the voyage has ended" });
  }

  // -- what the captain sees

  /** What happened after the event `seq`, the oldest first, at most `limit` events. */
  events(seq: number, limit: number): VoyageEvents {
    return eventsAfter(this.ledger, seq, limit);
  }

  status(): VoyageStatus {
    return voyageStatus(this.context);
  }

  /** The row of one ship; null when it is not registered. */
  shipRow(ship: string): ShipRow | null {
    return shipRow(this.context, ship);
  }

  /** @throws OcaptainError NO_TASK */
  taskRow(id: string): TaskRow {
    return taskRow(this.ledger, this.#task(id));
  }

  #task(id: string): TaskRecord {
    const task = this.ledger.task(id);
    if (!task) throw new OcaptainError("NO_TASK", `voyage ${this.id} has no task ${id}`, { hint: "ocaptain status" });
    return task;
  }

  // -- time

  /**
   * Looks at the leases and begins the fences that are due; to be called at least every two seconds. It waits for none:
   * all clocks go on meanwhile.
   */
  tick(): void {
    const { ledger, leases, liveness, timing } = this.context;
    const holding = holders(ledger);
    this.#askTasksBack(holding);
    if (isLimitOver(ledger)) void ledger.write(() => noteLimitOver(ledger)).catch(() => {}); // The next look notes it.
    const { lives, jumped } = leases.expired(holding.map((holder) => holder.life));
    if (jumped) {
      liveness.begin(leases.leaseMs);
      this.context.log("clock-jump", { voyage: this.id });
    }
    for (const { life, fenced } of holding) {
      // A fence that was cut short, by the helm's death or a full disk, goes on. Why it began is not known any more, so
      // it costs no try.
      if (fenced) this.#fencing.begin(life, ledger.life(life)?.reason ?? "fenced", false);
      else if (lives.includes(life)) this.#fencing.begin(life, `no word for ${timing.leaseSeconds} s`, true);
    }
  }

  /**
   * Tells ships with a task to end when a pause says so. A ship that does not hear it is told by its next heartbeat.
   */
  #askTasksBack(holding: readonly Holder[]): void {
    const reason = whyGiveBack(this.ledger);
    if (reason === null) return;
    for (const { life, fenced } of holding)
      if (!fenced && this.ledger.claimOf(life)) this.context.liveness.say(life, { type: "stop", reason });
  }

  /**
   * Looks whether somebody else has moved the branch (a person may, in the captain's folder), and whether what stood in
   * the way of accepts is gone.
   * @throws OcaptainError by which git failed; it is noted as trouble too
   */
  async readTip(): Promise<void> {
    const { context } = this;
    const { branch, tip: before } = context;
    try {
      const tip = await branch.tip();
      if (context.trouble !== null) await branch.move(tip, tip);
      context.noteTrouble(null);
      // An accept has moved it meanwhile: what was read may be older.
      if (tip === context.tip || context.tip !== before) return;
      context.tip = tip;
      context.notify();
      branch.showTip().catch((error) => context.log("workspace-not-moved", { voyage: this.id, error: String(error) }));
    } catch (error) {
      context.noteTrouble(error);
      throw error;
    }
  }

  /** @throws OcaptainError that says what keeps the branch from being moved */
  async assertMovable(): Promise<void> {
    this.context.trouble ??= "it was not looked at";
    await this.readTip();
  }
}
