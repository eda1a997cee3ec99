import { z } from "zod";
import { type LedgerFile, type LedgerTable, readLedger } from "../../../lib/plan/read-ledger.ts";
import { PlanTask } from "../../../lib/plan/types.ts";
import { VoyageEvent } from "../../../lib/protocol/events.ts";
import { Outside, TaskStatus } from "../../../lib/protocol/status.ts";

/**
 * The rows of a ledger that a report needs, read from its file: a voyage that has sunk has no helm. What a helm of
 * earlier code did not note is null. A row that cannot be understood is left out.
 */

/** How many rows of a table are read, the newest. */
const MOST = { tasks: 20_000, lives: 20_000, events: 100_000, others: 20_000 };

const text = z.string().nullable().default(null);
const number = z.number().nullable().default(null);
const json = <T>(schema: z.ZodType<T>) =>
  z
    .string()
    .nullable()
    .default(null)
    .transform((stored) => (stored === null ? null : (schema.safeParse(parse(stored)).data ?? null)));

const TaskRecord = z.object({
  id: z.string(),
  position: z.number(),
  planned: json(PlanTask),
  body: json(PlanTask),
  status: TaskStatus,
  ship: text,
  life: number,
  epoch: z.number(),
  tries: z.number(),
  commit_id: text,
  summary: text,
  reason: text,
  changed_at: z.string(),
});
export type TaskRecord = z.infer<typeof TaskRecord>;

const Life = z.object({ life: z.number(), ship: z.string(), incarnation: z.string(), fenced: z.number(), reason: text });
const Delivery = z.object({ task: z.string(), commit_id: z.string(), outside: json(Outside), seconds: number });
const Verification = z.object({
  epoch: z.number(),
  commit_id: z.string(),
  script: text,
  life: number,
  status: z.string(),
  exit_code: number,
  output: text,
  at: z.string(),
});
const Question = z.object({
  task: z.string(),
  epoch: z.number(),
  ship: z.string(),
  question: z.string(),
  asked_at: z.string(),
  answer: text,
});
const Rescue = z.object({ ref: z.string(), task: z.string(), epoch: z.number(), ship: z.string(), at: z.string() });
const Event = z
  .record(z.string(), z.unknown())
  .transform((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)))
  .transform((row) => ({ ...row, ...(typeof row.data === "string" && { data: parse(row.data) }) }))
  .pipe(VoyageEvent);

/** What a ledger tells, and the settings that it keeps. */
export type Tables = ReturnType<typeof tablesOf>;

/** Reads a voyage's ledger; null where there is none, or nothing of a plan in it. @throws OcaptainError LEDGER */
export const readTables = (ledger: string): Tables | null => readLedger(ledger, tablesOf);

function tablesOf(file: LedgerFile) {
  const read = <T>(table: LedgerTable, schema: z.ZodType<T>, most = MOST.others): T[] =>
    file.rows(table, most).flatMap((row) => schema.safeParse(row).data ?? []);
  const metas = ["name", "spec", "verify", "hand", "budgetUsd", "plan", "orders"] as const;
  return {
    meta: Object.fromEntries(metas.map((key) => [key, file.meta(key)])) as Record<(typeof metas)[number], string>,
    tasks: read("tasks", TaskRecord, MOST.tasks).sort((a, b) => a.position - b.position),
    lives: read("lives", Life, MOST.lives),
    deliveries: read("deliveries", Delivery),
    verifications: read("verifications", Verification),
    spent: file.spent(),
    questions: read("questions", Question),
    rescues: read("lost", Rescue),
    events: read("events", Event, MOST.events),
    eventCount: file.count("events"),
  };
}

function parse(stored: string): unknown {
  try {
    return JSON.parse(stored);
  } catch {
    return undefined;
  }
}
