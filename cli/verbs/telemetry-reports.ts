import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson, usd } from "../../lib/base/text.ts";
import type { Basis } from "../../lib/protocol/ship-reports.ts";
import { basisOf } from "../../lib/protocol/ship-reports.ts";
import { costText } from "../../lib/voyage/cost-text.ts";
import type { Io } from "../output/io.ts";
import { table } from "../output/table.ts";
import { ask, type Column } from "../telemetry/ask.ts";
import { csvRow } from "../telemetry/csv.ts";
import { costSql, type Dimension, dimension, TOOLS_SQL, tokensSql, WASTE_SQL, WORTH_SQL } from "../telemetry/reports.ts";
import { objectOf } from "../telemetry/show.ts";
import { findSources, type Sources } from "../telemetry/sources.ts";
import { formOf, SECONDS } from "./telemetry-query.ts";

export type ReportOptions = { csv?: boolean; by?: string };
type Row = Record<string, unknown>;
type Answer = { columns: readonly Column[]; rows: Row[] };

/** What costs are told by where nobody says it. */
const USUAL: readonly Dimension[] = ["ship", "task", "model", "hour"];

/** `ocaptain telemetry cost [voyages...]`: what was spent, by ship, task, model and hour. */
export const cost = (names: readonly string[], options: ReportOptions, io: Io) =>
  byDimensions("cost", costSql, names, options, io);

/** `ocaptain telemetry tokens [voyages...]`: the tokens by their kinds. */
export const tokens = (names: readonly string[], options: ReportOptions, io: Io) =>
  byDimensions("tokens", tokensSql, names, { by: "model", ...options }, io);

async function byDimensions(
  what: "cost" | "tokens",
  sql: (by: Dimension) => string,
  names: readonly string[],
  options: ReportOptions,
  io: Io,
): Promise<void> {
  const form = formOf(options, io);
  const wanted = options.by === undefined ? USUAL : options.by.split(",").map(dimension);
  if (form === "csv" && wanted.length > 1)
    throw new OcaptainError("USAGE", "a file of CSV holds one table: say which, by --by", {
      hint: `ocaptain telemetry ${what} --by ship --csv`,
    });
  const sources = await findSources(names);
  const told = await answersOf(sources, wanted.map(sql), io);
  const answers = wanted.map((by, at) => ({ by, answer: told[at]! }));
  if (form === "csv") return void csv(answers[0]!.answer, io);
  if (form === "json") {
    const parts = Object.fromEntries(answers.map(({ by, answer }) => [by, answer.rows]));
    return io.out(plainJson({ ...headOf(sources), total: totalOf(answers[0]!.answer.rows), by: parts }, 2));
  }
  const rows = answers[0]!.answer.rows;
  if (rows.length === 0) return void nothing(sources, io, "nothing was spent, and no model used");
  for (const { by, answer } of answers) {
    if (answers.length > 1) io.out(io.style("bold", `by ${by}`));
    show(answer, sources, io);
    io.out("");
  }
  const { cost_usd, basis } = totalOf(rows);
  if (what === "cost") io.out(`in all ${costText({ costUsd: cost_usd as number, basis: basis as Basis })}`);
  remarks(sources, wanted, io);
}

/** `ocaptain telemetry tools [voyages...]`: tools by time and failures. */
export async function tools(names: readonly string[], options: ReportOptions, io: Io): Promise<void> {
  const sources = await findSources(names);
  const answer = await answerOf(sources, TOOLS_SQL, io);
  plainReport(answer, sources, options, io, "no use of a tool is in the telemetry");
  if (formOf(options, io) === "table" && sources.without.length > 0 && answer.rows.length > 0)
    io.note(`no telemetry is there of ${sources.without.join(", ")}, and ledgers do not know tools`);
}

/** `ocaptain telemetry worth [voyages...]`: US dollars for an accepted, and for a verified task. */
export async function worth(names: readonly string[], options: ReportOptions, io: Io): Promise<void> {
  const sources = await findSources(names);
  plainReport(await answerOf(sources, WORTH_SQL, io), sources, options, io, "there is no voyage");
}

/** `ocaptain telemetry waste [voyages...]`: what was spent on claims that came to nothing, and why. */
export async function waste(names: readonly string[], options: ReportOptions, io: Io): Promise<void> {
  const sources = await findSources(names);
  const answer = await answerOf(sources, WASTE_SQL, io);
  const form = formOf(options, io);
  if (form === "csv") return void csv(answer, io);
  const causes = Map.groupBy(answer.rows, ({ cause }) => String(cause));
  const byCause = [...causes].map(([cause, rows]) => ({ cause, claims: rows.length, ...totalOf(rows) }));
  byCause.sort((a, b) => b.cost_usd - a.cost_usd);
  if (form === "json")
    return io.out(plainJson({ ...headOf(sources), total: totalOf(answer.rows), causes: byCause, claims: answer.rows }, 2));
  if (answer.rows.length === 0) return void nothing(sources, io, "nothing was thrown away");
  show(answer, sources, io);
  const { cost_usd, basis } = totalOf(answer.rows);
  io.out("");
  io.out(
    `thrown away ${costText({ costUsd: cost_usd, basis })}: ${byCause.map(({ cause, cost_usd: of }) => `${cause} ${usd(of)}`).join(", ")}`,
  );
}

function plainReport(answer: Answer, sources: Sources, options: ReportOptions, io: Io, none: string): void {
  const form = formOf(options, io);
  if (form === "csv") return void csv(answer, io);
  if (form === "json") return void io.out(plainJson({ ...headOf(sources), rows: answer.rows }, 2));
  if (answer.rows.length === 0) return void nothing(sources, io, none);
  show(answer, sources, io);
}

/** Asks several questions at a time, as each process that reads takes a while to begin. */
async function answersOf(sources: Sources, sql: string[], io: Io): Promise<Answer[]> {
  const answers: Answer[] = [];
  const taker = {
    columns: (columns: readonly Column[]) => void answers.push({ columns, rows: [] }),
    rows(rows: readonly unknown[][]) {
      const { columns, rows: taken } = answers.at(-1)!;
      for (const row of rows) taken.push(objectOf(columns, row));
    },
  };
  await ask(sources, sql, taker, { seconds: SECONDS, signal: io.signal });
  return answers;
}

const answerOf = async (sources: Sources, sql: string, io: Io): Promise<Answer> => (await answersOf(sources, [sql], io))[0]!;

function csv({ columns, rows }: Answer, io: Io): void {
  io.data(csvRow(columns.map(({ name }) => name)));
  io.data(rows.map((row) => csvRow(columns.map(({ name }) => row[name]))).join(""));
}

const headOf = ({ names, without, broken }: Sources) => ({ voyages: names, withoutTelemetry: without, broken });

/** The sum of rows, where its cost is known from the least certain of them. */
function totalOf(rows: readonly Row[]): { cost_usd: number; basis?: Basis } & Record<string, unknown> {
  const numbers = ["cost_usd", "tokens", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"];
  const told = numbers.filter((key) => key === "cost_usd" || rows.some((row) => row[key] !== undefined));
  const sums = Object.fromEntries(told.map((key) => [key, rows.reduce((sum, row) => sum + Number(row[key] ?? 0), 0)]));
  const basis = basisOf(rows.map((row) => row.basis as Basis | undefined));
  return { cost_usd: 0, ...sums, ...(basis && { basis }) };
}

/** Shows a table: amounts in US dollars as such, and the voyage only where there are several. */
function show({ columns, rows }: Answer, { names }: Sources, io: Io): void {
  const shown = columns.filter(({ name }) => name !== "basis" && (name !== "voyage" || names.length > 1));
  const text = (row: Row, name: string) => {
    const value = row[name];
    if (value === null || value === undefined) return "";
    if (name === "cost_usd" || name === "spent_usd") return costText({ costUsd: Number(value), basis: row.basis as Basis });
    if (/_usd$|^usd_/.test(name)) return usd(Number(value));
    if (name === "hour") return `${String(value).slice(0, 16)}Z`;
    return name === "cached" ? `${Math.round(Number(value) * 100)} %` : String(value);
  };
  const headings = shown.map(({ name }) => name.replace(/^usd_/, "USD ").replace(/_usd$/, "").replaceAll("_", " ").toUpperCase());
  io.out(
    table(
      headings,
      rows.map((row) => shown.map(({ name }) => ({ text: text(row, name) }))),
      io.columns,
    ).join("\n"),
  );
}

function nothing(sources: Sources, io: Io, words: string): void {
  for (const each of sources.broken) io.note(`left out: ${each}`);
  const about = sources.names.length > 0 ? ` (${sources.names.join(", ")})` : "";
  io.note(`${words}${about}`);
}

/** Says where hours are known from. */
function remarks(sources: Sources, wanted: readonly Dimension[], io: Io): void {
  for (const each of sources.broken) io.note(`left out: ${each}`);
  if (sources.without.length === 0 || !wanted.some((by) => by === "hour" || by === "day")) return;
  io.note(
    `no telemetry is there of ${sources.without.join(", ")}: what a run has spent stands at the hour of its end, by the ledger`,
  );
}
