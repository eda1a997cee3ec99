import { OcaptainError } from "../lib/errors.ts";
import type { AskRequest, ReleaseReply, SessionRequest, UsageRequest } from "../lib/ship-api.ts";
import { assertHolds, giveBack } from "./claims.ts";
import type { Ledger } from "./ledger.ts";
import { Refused } from "./refused.ts";

/** What hands tell: sessions, spend, limits, questions. Each function runs inside one write of the store. */

/** The longest limit there is resets weekly. */
const LONGEST_LIMIT_MS = 8 * 24 * 3600_000;
const GROWN = ["at", "cost_usd", "input", "output", "cache_read", "cache_creation", "turns", "seconds"]
  .map((column) => `${column} = max(${column}, excluded.${column})`)
  .join(", ");

/** Stores a hand's session with its claim; on disk before the hand starts. */
export function beginSession(ledger: Ledger, life: number, ask: SessionRequest): void {
  assertHolds(ledger, life, ask.task, ask.epoch);
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
 * What a run has used so far; of a task only when this life has begun that session for it, or it is refused as `not-holder`. The claim may have
 * ended. Words on one run may come in any order: it only grows.
 */
export function noteUsage(ledger: Ledger, life: number, { run, session, task, epoch, usage }: UsageRequest): void {
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
  ledger.store.run(
    `INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET ${GROWN} WHERE life = excluded.life`,
    run,
    session,
    task ?? null,
    life,
    ledger.at(),
    usage.costUsd,
    usage.inputTokens,
    usage.outputTokens,
    usage.cacheReadTokens,
    usage.cacheCreationTokens,
    usage.turns,
    usage.seconds,
  );
}

/** The whole voyage waits: the latest end that a ship has named counts. Returns it. */
export function limit(ledger: Ledger, ask: { until: string; message: string }): string {
  const until = new Date(Math.min(Date.parse(ask.until), Date.parse(ledger.at()) + LONGEST_LIMIT_MS)).toISOString();
  const now = ledger.limited();
  if (now && now.until >= until) return now.until;
  ledger.setMeta("limited", JSON.stringify({ until, message: ask.message }));
  return until;
}

/** Ends a claim by a question: the task is blocked until the captain answers (or retries it). Costs no try. */
export function ask(ledger: Ledger, life: number, asked: AskRequest): ReleaseReply {
  const task = assertHolds(ledger, life, asked.task, asked.epoch);
  const { status, tries } = giveBack(ledger, task, `needs the captain: ${asked.question}`, false);
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
  return { status: "blocked", tries };
}

/** Throws NO_QUESTION when the task does not wait for an answer. */
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
}
