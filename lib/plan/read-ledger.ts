import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { OcaptainError } from "../base/errors.ts";
import { type EventRow, eventsOf, type VoyageEvents } from "../protocol/events.ts";
import { MOST_USED } from "../protocol/ship-reports.ts";
import { type LedgerRows, type SpentRows, spentRows } from "./ledger-spend.ts";

/** What can be read of a ledger from outside the helm. */
export type LedgerFile = {
  /** One of the settings that the ledger keeps; "" when it has none of that name. */
  meta(key: string): string;
  /** Every task that was ever granted: the JSON of its text, its status, and the commit with which it was accepted. */
  granted(): { body: string; status: string; commit: string | null }[];
  /** The tasks that were added beside the plan, whatever has become of them: the JSON of their text. */
  followUps(): string[];
  /**
   * How many seconds each accepted task has taken, as far as that is known: from its last grant to its acceptance; or,
   * where an earlier helm has not noted that, what its runs tell.
   */
  taken(): number[];
  /** The count of tasks that are neither accepted nor cancelled. */
  left(): number;
  /** The exit status of the last run of this verify.sh at that commit; null when none came to its end. */
  verification(commit: string, script: string): number | null;
  /** What happened after the event `seq`, the oldest first; nothing where only a helm of earlier code has sailed it. */
  events(seq: number, limit: number): VoyageEvents;
  /**
   * The newest rows of a table as they are, the oldest of them first; none where a helm of earlier code made no such
   * table. A row of such a helm may lack columns.
   */
  rows(table: LedgerTable, most: number): Record<string, unknown>[];
  count(table: LedgerTable): number;
  /** What was spent, on what, and what became of it. */
  spent(): SpentRows;
};

/** The tables of a ledger that tell what happened (helm/ledger/schema.ts). */
export type LedgerTable =
  | "tasks"
  | "lives"
  | "deliveries"
  | "verifications"
  | "sessions"
  | "runs"
  | "run_models"
  | "questions"
  | "lost"
  | "events";

/**
 * Reads a voyage's ledger from its file itself, as a voyage that has sunk has no helm to ask, and a preview starts
 * none. Returns null when there is no ledger, or nothing of a plan in it.
 *
 * @param ledger  The path of the file, which a helm may have open.
 * @throws OcaptainError LEDGER when it cannot be read
 */
export function readLedger<T>(ledger: string, read: (file: LedgerFile) => T): T | null {
  if (!existsSync(ledger)) return null;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(ledger, { readOnly: true, timeout: 2_000 });
    if (!database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'tasks'").get()) return null;
    return read(fileOf(database));
  } catch (cause) {
    throw new OcaptainError("LEDGER", `the ledger ${ledger} cannot be read`, { cause });
  } finally {
    database?.close();
  }
}

/** Numbers as one run may tell them at most: a row of an earlier helm may hold what no run can have used. */
const bounded = (columns: Record<string, [column: string, most: number]>) =>
  Object.entries(columns)
    .map(([name, [column, most]]) => `min(max(${column}, 0), ${most}) AS ${name}`)
    .join(", ");
const USED = {
  cost_usd: ["cost_usd", MOST_USED.costUsd],
  input_tokens: ["input", MOST_USED.inputTokens],
  output_tokens: ["output", MOST_USED.outputTokens],
  cache_read_tokens: ["cache_read", MOST_USED.cacheReadTokens],
  cache_creation_tokens: ["cache_creation", MOST_USED.cacheCreationTokens],
} satisfies Record<string, [string, number]>;
/** In a ledger of an earlier helm a run tells the cost of its whole session so far (helm/ledger/schema.ts). */
const EARLIER_COST = `session_cost_usd - coalesce(max(session_cost_usd) OVER
  (PARTITION BY session ORDER BY at, rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)`;
/** A session may be of several claims of one task: a run is of the last that had begun it by then. */
const EPOCH = `(SELECT epoch FROM sessions WHERE sessions.task = runs.task AND sessions.session = runs.session
  ORDER BY sessions.at <= runs.at DESC, epoch DESC LIMIT 1) AS epoch`;
const runsBy = (
  cost: string,
) => `SELECT run, session, task, ${EPOCH}, (SELECT ship FROM lives WHERE lives.life = runs.life) AS ship, at,
  ${bounded({ ...USED, cost_usd: [cost, MOST_USED.costUsd], turns: ["turns", MOST_USED.turns], seconds: ["seconds", MOST_USED.seconds] })}
  FROM runs ORDER BY at, run`;
const MODELS = `SELECT run, model, basis, ${bounded(USED)} FROM run_models ORDER BY run, model`;
const TASKS = `SELECT id AS task, body, status, ship, epoch, tries, commit_id, reason, changed_at FROM tasks ORDER BY position`;
const VERIFIED = "SELECT exit_code, at FROM verifications WHERE status = 'done' ORDER BY epoch DESC LIMIT 1";
const EVENTS = "SELECT seq, at, kind, task, ship, epoch, reason, data FROM events ORDER BY seq";

const BY_RUNS = `SELECT tasks.id, total(seconds) AS seconds FROM tasks JOIN runs ON runs.task = tasks.id
  WHERE status = 'accepted' GROUP BY tasks.id`;
const BY_HELM = `SELECT tasks.id, seconds FROM tasks JOIN deliveries ON task = tasks.id AND deliveries.commit_id = tasks.commit_id
  WHERE status = 'accepted' AND seconds IS NOT NULL`;

function fileOf(database: DatabaseSync): LedgerFile {
  const has = (table: string) => database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(table) !== undefined;
  return {
    meta: (key) => String(database.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.value ?? ""),
    granted: () =>
      database
        .prepare("SELECT body, status, commit_id FROM tasks WHERE epoch > 0 ORDER BY position")
        .all()
        .map(({ body, status, commit_id }) => ({
          body: String(body),
          status: String(status),
          commit: commit_id === null ? null : String(commit_id),
        })),
    followUps: () =>
      has("follow_ups")
        ? database
            .prepare("SELECT planned FROM tasks JOIN follow_ups ON task = id ORDER BY position")
            .all()
            .map(({ planned }) => String(planned))
        : [],
    taken: () => {
      const read = (sql: string) => database.prepare(sql).all() as { id: string; seconds: number }[];
      const byRuns = has("runs") ? read(BY_RUNS) : [];
      const byHelm = has("deliveries") ? read(BY_HELM) : [];
      return [...new Map([...byRuns, ...byHelm].map(({ id, seconds }) => [id, seconds])).values()];
    },
    left: () =>
      Number(database.prepare("SELECT count(*) AS n FROM tasks WHERE status NOT IN ('accepted', 'cancelled')").get()?.n),
    verification: (commit, script) => {
      const of = "status = 'done' AND commit_id = ? AND script = ? ORDER BY epoch DESC LIMIT 1";
      const digest = createHash("sha256").update(script).digest("hex");
      const row = database.prepare(`SELECT exit_code FROM verifications WHERE ${of}`).get(commit, digest);
      return row?.exit_code == null ? null : Number(row.exit_code);
    },
    events: (seq, limit) => {
      if (!has("events")) return { events: [], last: 0, whole: false };
      const rows = (sql: string, ...values: number[]) => database.prepare(sql).all(...values) as EventRow[];
      const last = Number(database.prepare("SELECT max(seq) AS seq FROM events").get()?.seq ?? 0);
      const [first] = rows("SELECT * FROM events ORDER BY seq LIMIT 1");
      return eventsOf(rows("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit), { first, last });
    },
    rows: (table, most) => {
      if (!has(table)) return [];
      // The one of these tables whose rows have no number has no newest.
      const order = table === "run_models" ? "run" : "rowid";
      const rows = database.prepare(`SELECT * FROM ${table} ORDER BY ${order} DESC LIMIT ?`).all(most);
      return rows.reverse() as Record<string, unknown>[];
    },
    count: (table) => (has(table) ? Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n) : 0),
    spent: () => {
      // A table that a helm of earlier code has not made has no rows.
      const rows = <Name extends keyof LedgerRows>(sql: string, table: string) =>
        (has(table) ? database.prepare(sql).all() : []) as LedgerRows[Name];
      const isEarlier = database.prepare("SELECT 1 FROM pragma_table_info('runs') WHERE name = 'session_cost_usd'").get();
      return spentRows({
        runs: rows<"runs">(runsBy(isEarlier ? EARLIER_COST : "cost_usd"), "runs"),
        models: rows<"models">(MODELS, "run_models"),
        tasks: rows<"tasks">(TASKS, "tasks"),
        verified: rows<"verified">(VERIFIED, "verifications"),
        events: rows<"events">(EVENTS, "events"),
      });
    },
  };
}
