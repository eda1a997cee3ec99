import { OcaptainError } from "../../lib/base/errors.ts";
import type { AskRequest, ReleaseReply } from "../../lib/protocol/ship-claims.ts";
import { MOST_MODELS, type ModelUsage, type SessionRequest, type UsageRequest } from "../../lib/protocol/ship-reports.ts";
import { noteWhetherSpent } from "./budget.ts";
import { assertHolds, giveBack } from "./claims.ts";
import { noteEvent } from "./events.ts";
import type { Ledger } from "./ledger.ts";
import { Refused } from "./refused.ts";

/**
 * What hands tell: their sessions, what they have spent, questions to the captain. Each function runs inside one write
 * of the store.
 */

/**
 * How much one life of a ship can tell. A ship that tells without end must not fill the ledger, nor spend by its word
 * more than a budget can be raised to.
 */
const MOST_RUNS = 10_000;
const MOST_USD = 100_000;
const MOST_SESSIONS_A_CLAIM = 1_000;
const most = (columns: readonly string[]) => columns.map((column) => `${column} = max(${column}, excluded.${column})`).join(", ");
const GROWN = most(["at", "cost_usd", "input", "output", "cache_read", "cache_creation", "turns", "seconds"]);
const MODEL_GROWN = most(["cost_usd", "input", "output", "cache_read", "cache_creation"]);

/**
 * Stores a hand's session with its claim, before the hand starts.
 * @throws Refused when the life does not hold the claim, or has told of too many sessions
 */
export function beginSession(ledger: Ledger, life: number, ask: SessionRequest): void {
  assertHolds(ledger, life, ask.task, ask.epoch);
  const { n } = ledger.store.one<{ n: number }>(
    "SELECT count(*) AS n FROM sessions WHERE task = ? AND epoch = ?",
    ask.task,
    ask.epoch,
  )!;
  if (n >= MOST_SESSIONS_A_CLAIM) throw new Refused("not-holder", `task ${ask.task} has had ${n} sessions at epoch ${ask.epoch}`);
  ledger.store.run(
    "INSERT OR IGNORE INTO sessions (task, epoch, session, life, at) VALUES (?, ?, ?, ?, ?)",
    ask.task,
    ask.epoch,
    ask.session,
    life,
    ledger.at(),
  );
}

/**
 * Notes what a run has used so far. The claim may have ended meanwhile. What is told of one run may come in any order:
 * the most of it counts.
 * @throws Refused `not-holder` when the run is of a task for which this life has begun no such session, or the life
 * tells of too many runs
 */
export function noteUsage(ledger: Ledger, life: number, told: UsageRequest): void {
  const { run, session, task, epoch, usage } = told;
  if (task !== undefined && epoch !== undefined) {
    const begun = ledger.store.one(
      "SELECT 1 FROM sessions WHERE task = ? AND epoch = ? AND session = ? AND life = ?",
      task,
      epoch,
      session,
      life,
    );
    if (!begun) throw new Refused("not-holder", `this ship has begun no session ${session} for task ${task}`);
  }
  const others = ledger.store.one<{ n: number; usd: number }>(
    "SELECT count(*) AS n, total(min(cost_usd, ?1)) AS usd FROM runs WHERE life = ?2 AND run <> ?3",
    MOST_USD,
    life,
    run,
  )!;
  const known = ledger.store.one("SELECT 1 FROM runs WHERE run = ?", run) !== undefined;
  if (!known && (others.n >= MOST_RUNS || (task === undefined && ledger.life(life)?.fenced)))
    throw new Refused("not-holder", `this life of the ship tells of no more runs`);
  const { changes } = ledger.store.run(
    `INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET ${GROWN} WHERE life = excluded.life`,
    run,
    session,
    task ?? null,
    life,
    ledger.at(),
    Math.min(usage.costUsd, Math.max(0, MOST_USD - others.usd)),
    usage.inputTokens,
    usage.outputTokens,
    usage.cacheReadTokens,
    usage.cacheCreationTokens,
    usage.turns,
    usage.seconds,
  );
  // A run of another life is not changed, nor what it has used of models.
  if (changes > 0) for (const of of usage.models ?? []) noteModel(ledger, run, of, told.growing === true);
  noteWhetherSpent(ledger);
}

/**
 * Notes what a run has used of one model so far. Where the cost is known from is settled by the run's own result, which
 * comes last.
 */
function noteModel(ledger: Ledger, run: string, of: ModelUsage, growing: boolean): void {
  const others = "SELECT count(*) AS n FROM run_models WHERE run = ? AND model <> ?";
  if (ledger.store.one<{ n: number }>(others, run, of.model)!.n >= MOST_MODELS) return;
  ledger.store.run(
    `INSERT INTO run_models (run, model, basis, cost_usd, input, output, cache_read, cache_creation) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (run, model) DO UPDATE SET ${growing ? "" : "basis = excluded.basis, "}${MODEL_GROWN}`,
    run,
    of.model,
    of.basis,
    of.costUsd,
    of.inputTokens,
    of.outputTokens,
    of.cacheReadTokens,
    of.cacheCreationTokens,
  );
}

/** Ends a claim by a question: the task is blocked until the captain answers or retries it. That costs no try. */
export function ask(ledger: Ledger, life: number, asked: AskRequest): ReleaseReply {
  const task = assertHolds(ledger, life, asked.task, asked.epoch);
  const { status, tries } = giveBack(ledger, task, `needs the captain: ${asked.question}`, "asked");
  if (status !== "pending") return { status, tries };
  ledger.store.run("UPDATE tasks SET status = 'blocked' WHERE id = ?", task.id);
  ledger.store.run(
    "INSERT INTO questions (task, epoch, ship, question, asked_at) VALUES (?, ?, ?, ?, ?)",
    task.id,
    task.epoch,
    task.ship!,
    asked.question,
    ledger.at(),
  );
  noteEvent(ledger, "task-asked", { task: task.id, ship: task.ship, epoch: task.epoch, reason: asked.question });
  return { status: "blocked", tries };
}

/**
 * Stores the captain's answer, and makes the task pending again.
 * @throws OcaptainError NO_QUESTION when the task does not wait for an answer
 */
export function answer(ledger: Ledger, task: string, text: string): void {
  if (ledger.openQuestion(task) === undefined)
    throw new OcaptainError("NO_QUESTION", `task ${task} does not wait for an answer`, { hint: "ocaptain status" });
  const { epoch } = ledger.task(task)!;
  ledger.store.run(
    "UPDATE questions SET answer = ?, answered_at = ? WHERE task = ? AND epoch = ?",
    text,
    ledger.at(),
    task,
    epoch,
  );
  ledger.store.run("UPDATE tasks SET status = 'pending', reason = NULL, changed_at = ? WHERE id = ?", ledger.at(), task);
  noteEvent(ledger, "task-answered", { task, epoch, reason: text });
}
