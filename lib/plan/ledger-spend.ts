import { type Basis, basisOf } from "../protocol/ship-reports.ts";

/** The rows of a ledger as read-ledger.ts reads them. */
export type LedgerRows = {
  runs: Omit<LedgerRun, "basis">[];
  models: (Tokens & OfModel)[];
  tasks: (Omit<LedgerTask, "subject" | "verified"> & { body: string })[];
  /** The newest run of verify.sh that came to its end. */
  verified: { exit_code: number | null; at: string }[];
  events: LedgerEvent[];
};

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
 * - `asked`: its agent asked the captain, and the task was begun anew with the answer.
 * - `failed`, `ship failed`, `given back`, `released`, `ship lost`: it was thrown away, for that reason; `ended`: the
 *   ledger does not say for which.
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

/** Says what rows of a ledger tell of spend. */
export function spentRows(ledger: LedgerRows): SpentRows {
  const [passed] = ledger.verified;
  const verifiedAt = passed?.exit_code === 0 ? passed.at : "";
  const tasks = ledger.tasks.map(({ body, ...task }): LedgerTask => {
    // verify.sh runs only when no task is left, so it has judged all that were accepted before.
    const verified = task.status === "accepted" && verifiedAt >= task.changed_at;
    return { ...task, subject: subjectOf(body), verified };
  });
  const { events } = ledger;
  const models = Map.groupBy(ledger.models, ({ run }) => run);
  const whatBecame = outcomes(tasks, events);
  const parts = ledger.runs.map((run) => ({ run, parts: partsOf(run, models.get(run.run) ?? []) }));
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

const SUMMED = ["cost_usd", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"] as const;
type Summed = (typeof SUMMED)[number];

/**
 * Takes a run apart by models, so that the parts come to the whole: what it has told of no model is a part of its own,
 * and where it has told more of models than of itself, each is made as much less.
 */
function partsOf(run: Omit<LedgerRun, "basis">, models: readonly (Tokens & OfModel)[]): Part[] {
  const scale = (key: Summed) => {
    const sum = models.reduce((all, model) => all + model[key], 0);
    return sum > run[key] ? run[key] / sum : 1;
  };
  const scales = Object.fromEntries(SUMMED.map((key) => [key, scale(key)])) as Record<Summed, number>;
  const parts = models.map(
    ({ run: _run, ...model }): Part => ({ ...model, ...each((key) => whole(key, model[key] * scales[key])) }),
  );
  const left = each((key) => Math.max(0, run[key] - parts.reduce((all, part) => all + part[key], 0)));
  const isAll = parts.length > 0 && left.cost_usd < 1e-9 && SUMMED.every((key) => key === "cost_usd" || left[key] === 0);
  return isAll ? parts : [...parts, { model: null, basis: "reported", ...left }];
}

const whole = (key: string, value: number) => (key === "cost_usd" ? value : Math.floor(value));
const each = (value: (key: Summed) => number) =>
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
    const end = ends.get(`${id} ${epoch}`) ?? { outcome: "ended" as const, reason: null };
    return { ...end, thrown_away: end.outcome !== "asked" };
  };
}

function endOf({ kind, data }: LedgerEvent): Outcome | null {
  const told = parsed(data) as { lost?: boolean; failed?: boolean; fault?: boolean };
  if (kind === "task-released") return told.lost ? "ship lost" : "released";
  if (kind === "task-asked") return "asked";
  if (kind !== "task-given-back") return null;
  return told.failed ? "failed" : told.fault ? "ship failed" : "given back";
}

function subjectOf(body: string): string {
  const { subject } = parsed(body) as { subject?: unknown };
  return typeof subject === "string" ? subject : "";
}

/** What a column of JSON holds; nothing where it holds no object. */
function parsed(text: string | null): object {
  try {
    const value: unknown = text === null ? null : JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
