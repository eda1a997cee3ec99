import { createHash, randomBytes } from "node:crypto";
import { PlanTask } from "../../lib/plan/types.ts";
import type { TaskStatus } from "../../lib/protocol/status.ts";
import type { Store } from "./store.ts";

/**
 * The rows of the ledger, and the questions that are asked of them. The rules by which rows change are in the files
 * beside this one.
 */

export type TaskRecord = {
  id: string;
  planned: string;
  body: string;
  in_plan: number;
  status: TaskStatus;
  ship: string | null;
  life: number | null;
  epoch: number;
  tries: number;
  grant_tip: string | null;
  ship_commit: string | null;
  commit_id: string | null;
  summary: string | null;
  reason: string | null;
  changed_at: string;
};
export type Life = {
  life: number;
  ship: string;
  incarnation: string;
  fenced: number;
  reason: string | null;
  hello_at: string | null;
  greeted: number;
};
export type ShipRecord = { ship: string; life: number; stopping: number };
export type Verification = {
  epoch: number;
  commit_id: string;
  script: string;
  life: number;
  status: string;
  exit_code: number | null;
  output: string | null;
  at: string;
};
export type Intent = {
  task: string;
  epoch: number;
  life: number;
  request: string;
  from_tip: string;
  to_commit: string;
  ship_commit: string;
  summary: string;
};

/** How many replies are kept, the newest: those of lives that are long over are of no use. */
const REPLIES_KEPT = 20_000;
/**
 * How many tokens of one life are good at a time: a launch that was cut short must not lock out the supervisor that
 * runs.
 */
const TOKENS_A_LIFE = 3;

export class Ledger {
  readonly store: Store;
  readonly #wallMs: () => number;

  constructor(store: Store, wallMs: () => number) {
    this.store = store;
    this.#wallMs = wallMs;
  }

  /** The time now, as the ledger notes it. */
  at = (): string => new Date(this.#wallMs()).toISOString();

  /**
   * Runs `job`, which may change rows, in one transaction; resolves when it is on disk, and rejects with what `job`
   * throws.
   */
  write<T>(job: () => T): Promise<T> {
    return this.store.write(job);
  }
  close(): void {
    this.store.close();
  }

  // -- meta
  meta(key: string): string | undefined {
    return this.store.one<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;
  }
  setMeta(key: string, value: string): void {
    this.store.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value);
  }

  // -- tasks
  tasks(): TaskRecord[] {
    return this.store.all<TaskRecord>("SELECT * FROM tasks ORDER BY position");
  }
  task(id: string): TaskRecord | undefined {
    return this.store.one<TaskRecord>("SELECT * FROM tasks WHERE id = ?", id);
  }
  /** When each follow-up was added, by its id. */
  followUps(): Map<string, string> {
    const rows = this.store.all<{ task: string; added_at: string }>("SELECT task, added_at FROM follow_ups");
    return new Map(rows.map(({ task, added_at }) => [task, added_at]));
  }
  /** When this task was added as a follow-up; undefined for a task of the plan. */
  addedAt(id: string): string | undefined {
    return this.store.one<{ added_at: string }>("SELECT added_at FROM follow_ups WHERE task = ?", id)?.added_at;
  }
  /** What the newest plan says of each task, as JSON. It stays the same as long as {@link planRevision} does. */
  planned(): { id: string; planned: string }[] {
    return this.store.all("SELECT id, planned FROM tasks");
  }
  /**
   * Another text each time that a plan is brought in or a follow-up is added; a ledger of an earlier helm has none
   * until then.
   */
  planRevision(): string {
    return this.meta("planRevision") ?? "";
  }
  /** The task that this life holds. */
  claimOf(life: number): TaskRecord | undefined {
    return this.store.one<TaskRecord>("SELECT * FROM tasks WHERE life = ? AND status = 'claimed'", life);
  }
  /** Tells whether this life holds, or has worked at, a claim of the task at this epoch. */
  hadClaim(life: number, task: string, epoch: number): boolean {
    const sql = `SELECT 1 FROM tasks WHERE id = ?1 AND epoch = ?2 AND life = ?3
      UNION ALL SELECT 1 FROM sessions WHERE task = ?1 AND epoch = ?2 AND life = ?3 LIMIT 1`;
    return this.store.one(sql, task, epoch, life) !== undefined;
  }
  /**
   * The free task on which the longest chain waits. A cancelled blocker counts as satisfied.
   * @param later the ids of tasks that come after all others
   */
  freeTask(later: readonly string[] = []): TaskRecord | undefined {
    const best = (condition: string, ...values: string[]) =>
      this.store.one<TaskRecord>(
        `SELECT * FROM tasks AS t ${FREE} ${condition} ORDER BY height DESC, position LIMIT 1`,
        ...values,
      );
    return (later.length > 0 ? best(`AND NOT ${LATER}`, JSON.stringify(later)) : undefined) ?? best("");
  }
  /** The ids of all free tasks, in the order in which {@link freeTask} takes them. */
  freeTasks(later: readonly string[] = []): string[] {
    return this.store
      .all<{ id: string }>(`SELECT id FROM tasks AS t ${FREE} ORDER BY ${LATER}, height DESC, position`, JSON.stringify(later))
      .map((row) => row.id);
  }
  /** The tasks that ships are at, by their ids and epochs. */
  atWork(): { id: string; epoch: number }[] {
    return this.store.all("SELECT id, epoch FROM tasks WHERE status = 'claimed'");
  }
  freeCount(): number {
    return this.store.one<{ n: number }>(`SELECT count(*) AS n FROM tasks AS t ${FREE}`)!.n;
  }
  counts(): Record<TaskStatus, number> {
    const counts = { pending: 0, claimed: 0, accepted: 0, blocked: 0, cancelled: 0 };
    for (const row of this.store.all<{ status: TaskStatus; n: number }>(
      "SELECT status, count(*) AS n FROM tasks GROUP BY status",
    ))
      counts[row.status] = row.n;
    return counts;
  }

  // -- ships
  ship(ship: string): ShipRecord | undefined {
    return this.store.one<ShipRecord>("SELECT * FROM ships WHERE ship = ?", ship);
  }
  ships(): ShipRecord[] {
    return this.store.all<ShipRecord>("SELECT * FROM ships ORDER BY length(ship), ship");
  }
  life(life: number): Life | undefined {
    return this.store.one<Life>("SELECT * FROM lives WHERE life = ?", life);
  }
  /** The life that a token was minted for, fenced or not. */
  lifeOfToken(token: string): Life | undefined {
    return this.store.one<Life>("SELECT lives.* FROM tokens JOIN lives USING (life) WHERE hash = ?", sha256(token));
  }
  /** Mints a token for a life. Its first part names the voyage. */
  mintToken(voyageId: string, life: number): string {
    const token = `${voyageId}.${randomBytes(32).toString("base64url")}`;
    this.store.run("INSERT INTO tokens (hash, life) VALUES (?, ?)", sha256(token), life);
    this.store.run(
      "DELETE FROM tokens WHERE life = ?1 AND id NOT IN (SELECT id FROM tokens WHERE life = ?1 ORDER BY id DESC LIMIT ?2)",
      life,
      TOKENS_A_LIFE,
    );
    return token;
  }

  // -- the hand's trial
  /** Whether the hand of this life can work; `due`: it is not known yet. The hand `rehearsal` needs no trial. */
  fitness(life: number): "fit" | "due" | { unfit: string } {
    if (this.meta("hand") !== "claude") return "fit";
    const known = this.meta(trialKey(life)) || "due";
    return known === "fit" || known === "due" ? known : { unfit: known.slice(UNFIT.length) };
  }
  setFitness(life: number, fitness: "fit" | "due" | { unfit: string }): void {
    this.setMeta(trialKey(life), typeof fitness === "string" ? fitness : UNFIT + fitness.unfit);
  }

  // -- replies
  /** The stored reply to a request of this life. */
  reply<T>(life: number, request: string): T | undefined {
    const row = this.store.one<{ body: string }>("SELECT body FROM replies WHERE life = ? AND request = ?", life, request);
    return row && (JSON.parse(row.body) as T);
  }
  /**
   * Stores the reply to a request of this life, and returns it. It runs inside the write that does what the request
   * asks for.
   */
  remember<T>(life: number, request: string, reply: T): T {
    const { rowId } = this.store.run(
      "INSERT INTO replies (life, request, body) VALUES (?, ?, ?)",
      life,
      request,
      JSON.stringify(reply),
    );
    if (rowId % 1000 === 0) this.store.run("DELETE FROM replies WHERE id <= ?", rowId - REPLIES_KEPT);
    return reply;
  }

  // -- hands
  /** The newest session of a claim. */
  session(task: string, epoch: number): string | undefined {
    return this.store.one<{ session: string }>(
      "SELECT session FROM sessions WHERE task = ? AND epoch = ? ORDER BY at DESC, rowid DESC LIMIT 1",
      task,
      epoch,
    )?.session;
  }
  /** The question of a blocked task that has no answer yet, and the ship that asks. */
  openQuestion(task: string): { question: string; ship: string } | undefined {
    return this.store.one(`SELECT question, questions.ship FROM questions ${OPEN} AND questions.task = ?`, task);
  }
  hasOpenQuestion(): boolean {
    return this.store.one(`SELECT 1 FROM questions ${OPEN} LIMIT 1`) !== undefined;
  }
  /** All questions of a task that were answered, the oldest first. */
  answers(task: string): { question: string; answer: string }[] {
    return this.store.all("SELECT question, answer FROM questions WHERE task = ? AND answer IS NOT NULL ORDER BY epoch", task);
  }

  // -- verification
  /** The verification that a ship holds now. */
  openVerification(): Verification | undefined {
    return this.store.one<Verification>("SELECT * FROM verifications WHERE status = 'claimed'");
  }
  /** The newest result of this script at this commit. */
  verified(commit: string, script: string): Verification | undefined {
    return this.store.one<Verification>(
      "SELECT * FROM verifications WHERE status = 'done' AND commit_id = ? AND script = ? ORDER BY epoch DESC LIMIT 1",
      commit,
      sha256(script),
    );
  }
  /**
   * Says whether a run of verify.sh is due at `tip`: all tasks are accepted or cancelled, there is no result yet, and
   * no ship is at it.
   */
  verificationDue(tip: string): boolean {
    const script = this.meta("verify");
    if (!script || this.openVerification()) return false;
    const { pending, claimed, blocked } = this.counts();
    return pending + claimed + blocked === 0 && !this.verified(tip, script);
  }
}

const trialKey = (life: number) => `trial/${life}`;
const UNFIT = "unfit: ";

const FREE = `WHERE status = 'pending' AND NOT EXISTS (
  SELECT 1 FROM blockers JOIN tasks AS b ON b.id = blockers.blocker
  WHERE blockers.task = t.id AND b.status NOT IN ('accepted', 'cancelled'))`;

const LATER = "(t.id IN (SELECT value FROM json_each(?)))";

const OPEN =
  "JOIN tasks ON tasks.id = questions.task AND tasks.epoch = questions.epoch WHERE answer IS NULL AND tasks.status = 'blocked'";

export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
export const parseTask = (json: string) => PlanTask.parse(JSON.parse(json));
