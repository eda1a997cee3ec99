import { type Basis, basisOf } from "../protocol/ship-reports.ts";

/** Asks a ledger; a table that a helm of earlier code has not made has no rows. */
export type Ask = (sql: string, table: string) => Record<string, unknown>[];

/** What all tokens of a run, or of a part of it, come to. */
type Tokens = { input_tokens: number; output_tokens: number; cache_read_tokens: number; cache_creation_tokens: number };
/** Whose a run is: its ship, its task and the epoch of that claim, where it is of one, and its session. */
type Whose = { run: string; session: string; task: string | null; epoch: number | null; ship: string | null; at: string };
export type LedgerRun = Whose & Tokens & { cost_usd: number; basis: Basis; turns: number; seconds: number };
/**
 * What became of the claim for which something was spent:
 * - `verified`, `accepted`: its commit is on the branch, and verify.sh has passed there, or has not.
 * - `at work`: it goes on.
 * - `no task`: a trial of a ship, or a session between two claims.
 * - `failed`, `ship failed`, `given back`, `asked`, `released`, `ship lost`: it came to nothing, for that reason;
 *   `ended`: the ledger does not say for which.
 */
export type Outcome =
  | "verified"
  | "accepted"
  | "at work"
  | "no task"
  | "failed"
  | "ship failed"
  | "given back"
  | "asked"
  | "released"
  | "ship lost"
  | "ended";
/** What a run has spent on one model; the model is null for what its ship has told of none. */
export type LedgerSpend = Whose &
  Tokens & {
    model: string | null;
    cost_usd: number;
    basis: Basis;
    outcome: Outcome;
    thrown_away: boolean;
    reason: string | null;
  };
export type LedgerTask = {
  task: string;
  subject: string;
  status: string;
  verified: boolean;
  ship: string | null;
  epoch: number;
  tries: number;
  commit_id: string | null;
  reason: string | null;
  changed_at: string;
};
export type LedgerEvent = Record<"seq" | "epoch", number | null> &
  Record<"at" | "kind" | "task" | "ship" | "reason" | "data", string | null>;

/** What a ledger knows of spend, and of what it was spent on. */
export type SpentRows = { runs: LedgerRun[]; spend: LedgerSpend[]; tasks: LedgerTask[]; events: LedgerEvent[] };

/** A number as one run may tell it at most: a row of an earlier helm may hold what no run can have used. */
const bounded = (columns: Record<string, [column: string, most: number]>) =>
  Object.entries(columns)
    .map(([name, [column, most]]) => `min(max(${column}, 0), ${most}) AS ${name}`)
    .join(", ");
const USED = {
  cost_usd: ["cost_usd", 100_000],
  input_tokens: ["input", 1e12],
  output_tokens: ["output", 1e12],
  cache_read_tokens: ["cache_read", 1e12],
  cache_creation_tokens: ["cache_creation", 1e12],
} satisfies Record<string, [string, number]>;
/** A session may be of several claims of one task: a run is of the last that had begun it by then. */
const EPOCH = `(SELECT epoch FROM sessions WHERE sessions.task = runs.task AND sessions.session = runs.session
  ORDER BY sessions.at <= runs.at DESC, epoch DESC LIMIT 1) AS epoch`;
const RUNS = `SELECT run, session, task, ${EPOCH}, (SELECT ship FROM lives WHERE lives.life = runs.life) AS ship, at,
  ${bounded({ ...USED, turns: ["turns", 1e9], seconds: ["seconds", 1e9] })} FROM runs ORDER BY at, run`;
const MODELS = `SELECT run, model, basis, ${bounded(USED)} FROM run_models ORDER BY run, model`;
const TASKS = `SELECT id AS task, body, status, ship, epoch, tries, commit_id, reason, changed_at FROM tasks ORDER BY position`;
const VERIFIED = "SELECT exit_code, at FROM verifications WHERE status = 'done' ORDER BY epoch DESC LIMIT 1";
const EVENTS = "SELECT seq, at, kind, task, ship, epoch, reason, data FROM events ORDER BY seq";

/** Reads what a ledger knows of spend. */
export function spentRows(ask: Ask): SpentRows {
  const [passed] = ask(VERIFIED, "verifications");
  const verifiedAt = passed?.exit_code === 0 ? String(passed.at) : "";
  const tasks = ask(TASKS, "tasks").map(({ body, ...row }): LedgerTask => {
    const task = row as Omit<LedgerTask, "subject" | "verified">;
    // verify.sh runs only when no task is left, so it has judged all that were accepted before.
    const verified = task.status === "accepted" && verifiedAt >= task.changed_at;
    return { ...task, subject: subjectOf(String(body)), verified };
  });
  const events = ask(EVENTS, "events") as LedgerEvent[];
  const models = Map.groupBy(ask(MODELS, "run_models") as (Tokens & OfModel)[], ({ run }) => run);
  const whatBecame = outcomes(tasks, events);
  const told = ask(RUNS, "runs") as Omit<LedgerRun, "basis">[];
  const parts = told.map((run) => ({ run, parts: partsOf(run, models.get(run.run) ?? []) }));
  return {
    runs: parts.map(({ run, parts }) => ({ ...run, basis: basisOf(parts.map(({ basis }) => basis)) ?? "reported" })),
    spend: parts.flatMap(({ run, parts }) => {
      const { session, task, epoch, ship, at } = run;
      return parts.map((part) => ({ ...{ run: run.run, session, task, epoch, ship, at }, ...part, ...whatBecame(run) }));
    }),
    tasks,
    events,
  };
}

type OfModel = { run: string; model: string; basis: Basis; cost_usd: number };
type Part = Tokens & { model: string | null; cost_usd: number; basis: Basis };

const SUMMED = Object.keys(USED) as (keyof typeof USED)[];

/**
 * Takes a run apart by models, so that the parts come to the whole: what it has told of no model is a part of its own,
 * and where it has told more of models than of itself, each is made as much less.
 */
function partsOf(run: Omit<LedgerRun, "basis">, models: readonly (Tokens & OfModel)[]): Part[] {
  const scale = (key: keyof typeof USED) => {
    const sum = models.reduce((all, model) => all + model[key], 0);
    return sum > run[key] ? run[key] / sum : 1;
  };
  const scales = Object.fromEntries(SUMMED.map((key) => [key, scale(key)])) as Record<keyof typeof USED, number>;
  const parts = models.map(
    ({ run: _run, ...model }): Part => ({ ...model, ...each((key) => whole(key, model[key] * scales[key])) }),
  );
  const left = each((key) => Math.max(0, run[key] - parts.reduce((all, part) => all + part[key], 0)));
  const isAll = parts.length > 0 && left.cost_usd < 1e-9 && SUMMED.every((key) => key === "cost_usd" || left[key] === 0);
  return isAll ? parts : [...parts, { model: null, basis: "reported", ...left }];
}

const whole = (key: string, value: number) => (key === "cost_usd" ? value : Math.floor(value));
const each = (value: (key: keyof typeof USED) => number) =>
  Object.fromEntries(SUMMED.map((key) => [key, value(key)])) as Tokens & { cost_usd: number };

type Became = Pick<LedgerSpend, "outcome" | "thrown_away" | "reason">;

/** Returns what says, of a run, what became of the claim that it is of. */
function outcomes(tasks: readonly LedgerTask[], events: readonly LedgerEvent[]): (run: Whose) => Became {
  const known = new Map(tasks.map((task) => [task.task, task]));
  const ends = new Map<string, { outcome: Outcome; reason: string | null }>();
  for (const event of events) {
    const outcome = endOf(event);
    if (outcome) ends.set(`${event.task} ${event.epoch}`, { outcome, reason: event.reason });
  }
  return ({ task: id, epoch }) => {
    if (id === null) return { outcome: "no task", thrown_away: false, reason: null };
    const task = known.get(id);
    if (task && task.epoch === epoch && task.status === "accepted")
      return { outcome: task.verified ? "verified" : "accepted", thrown_away: false, reason: null };
    if (task && task.epoch === epoch && task.status === "claimed")
      return { outcome: "at work", thrown_away: false, reason: null };
    return { ...(ends.get(`${id} ${epoch}`) ?? { outcome: "ended", reason: null }), thrown_away: true };
  };
}

function endOf({ kind, data }: LedgerEvent): Outcome | null {
  const told = data === null ? {} : (JSON.parse(data) as { lost?: boolean; failed?: boolean; fault?: boolean });
  if (kind === "task-released") return told.lost ? "ship lost" : "released";
  if (kind === "task-asked") return "asked";
  if (kind !== "task-given-back") return null;
  return told.failed ? "failed" : told.fault ? "ship failed" : "given back";
}

function subjectOf(body: string): string {
  const { subject } = JSON.parse(body) as { subject?: unknown };
  return typeof subject === "string" ? subject : "";
}
