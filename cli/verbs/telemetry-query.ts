import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { parseDuration } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { ask } from "../telemetry/ask.ts";
import { writer } from "../telemetry/show.ts";
import { findSources, type Sources } from "../telemetry/sources.ts";

export type QueryOptions = { voyage?: string; captain?: boolean; csv?: boolean; timeout?: string };

/** How long an answer may take, unless it is said. */
export const SECONDS = 60;

/** `ocaptain telemetry query <sql>`: answers a question in SQL over telemetry and ledgers. */
export async function telemetryQuery(sql: string, options: QueryOptions, io: Io): Promise<void> {
  const form = formOf(options, io);
  const seconds = options.timeout === undefined ? SECONDS : parseDuration(options.timeout) / 1000;
  const names = (options.voyage ?? "").split(",").filter((name) => name !== "");
  const sources = await findSources(names, options.captain);
  for (const each of sources.broken) io.note(`left out: ${each}`);
  const taker = writer(form, io);
  const { rows, files } = await ask(sources, [sql], taker, { seconds, signal: io.signal });
  taker.end(rows);
  const about = aboutFiles(sources, files);
  if (rows === 0 && form === "table") io.note(`no rows${about ? `: ${about}` : ""}`);
  else if (form === "table") io.note(counted(rows, "row"));
}

/** The form that was asked for. @throws OcaptainError USAGE for two at a time */
export function formOf({ csv }: { csv?: boolean }, io: Io): "table" | "csv" | "json" {
  if (csv && io.json) throw new OcaptainError("USAGE", "--csv and --json each fill the output: one of them can be had at a time");
  return csv ? "csv" : io.json ? "json" : "table";
}

/** Says that there is no telemetry at all; "" where there is some. */
function aboutFiles({ names }: Sources, files: Record<string, number>): string {
  if (Object.values(files).some((count) => count > 0)) return "";
  return `no telemetry is there yet${names.length > 0 ? ` of ${names.join(", ")}` : ""}; what ledgers know is in voyages, runs, spend, tasks and events`;
}
