import { OcaptainError } from "../../lib/base/errors.ts";
import { plain, plainJson } from "../../lib/base/text.ts";
import type { LogLine } from "../../lib/logs/line.ts";
import { Logs, logFiles } from "../../lib/logs/read.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { watcher } from "../logs/follow.ts";
import { parseDuration } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";
import { shipNamed } from "../target/ship-name.ts";

export type LogsOptions = { ship?: string; follow?: boolean; grep?: string; lines?: string; since?: string; task?: string };

/**
 * `ocaptain logs [voyage] [-s ship] [-f] [-g regex] [-n N] [--since 10m] [--task id]` shows what came home of the
 * ships' logs, by time, also of ships that are gone. It asks nobody, and reads the captain's folder.
 */
export async function logs(name: string | undefined, options: LogsOptions, io: Io): Promise<void> {
  const wanted = filterOf(options);
  const most = options.lines === undefined ? undefined : whole(options.lines);
  const voyage = await chooseVoyage(name);
  await checkShip(voyage, options.ship);
  const logs = new Logs(voyage.folder.logs);
  const show = (line: LogLine) => io.out(io.json ? plainJson(told(line)) : shown(line, io));

  // Watching begins before the first look, so that nothing falls in between.
  const changes = options.follow && !voyage.file.sunkAt ? watcher(voyage.folder.logs, io.signal) : undefined;
  try {
    const all = (await logs.next(!changes)).filter(wanted);
    for (const line of most === undefined ? all : all.slice(Math.max(0, all.length - most))) show(line);
    if (all.length === 0 && !changes) io.note("no such line in the logs that came home");
    while (changes && !io.signal.aborted) {
      await changes.next();
      const sunk = (await chooseVoyage(voyage.file.stack)).file.sunkAt;
      for (const line of await logs.next(sunk !== undefined)) if (wanted(line)) show(line);
      if (sunk) break;
    }
    if (options.follow && !io.signal.aborted) io.note("the fleet is gone: no more logs will come");
  } finally {
    changes?.close();
  }
}

function filterOf(options: LogsOptions): (line: LogLine & { newest: string }) => boolean {
  const ship = options.ship === undefined ? undefined : shipNamed(options.ship);
  const grep = options.grep === undefined ? undefined : pattern(options.grep);
  const since = options.since === undefined ? "" : new Date(Date.now() - parseDuration(options.since)).toISOString();
  const task = options.task?.replace(/^#/, "");
  return (line) =>
    (ship === undefined || line.ship === ship) &&
    (task === undefined || line.task === task) &&
    line.newest >= since &&
    (grep === undefined || grep.test(line.text));
}

/** Refuses a ship of which no log has come home: its name is likely a slip. @throws OcaptainError NO_SHIP */
async function checkShip({ file, folder }: KnownVoyage, ship: string | undefined): Promise<void> {
  if (ship === undefined) return;
  const known = [...new Set((await logFiles(folder.logs)).map((each) => each.ship))];
  if (known.includes(shipNamed(ship))) return;
  throw new OcaptainError(
    "NO_SHIP",
    `no log of "${shipNamed(ship)}" has come home; there are logs of ${known.join(", ") || "no ship"}`,
    { hint: `ocaptain status ${file.stack}` },
  );
}

/** The longest name of a source that is shown: an agent names its logs as it likes. */
const MOST_NAME = 60;

const told = (line: LogLine) => ({ ...line, newest: undefined });

/**
 * Shows a line as `2026-11-23 09:20:57 ship-0 #3 | text`; the supervisor's own lines have a star for the bar. Times are
 * UTC, as in the files.
 */
function shown(line: LogLine, { style }: Io): string {
  const time = style("dim", line.at.slice(0, 19).replace("T", " "));
  const isOutput = line.event === null;
  const what = line.task && isOutput ? ` #${line.task}` : isOutput ? ` ${plain(line.source, { most: MOST_NAME })}` : "";
  return `${time} ${style("cyan", line.ship)}${what} ${isOutput ? "|" : "*"} ${plain(line.text)}`;
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    const why = (error as Error).message.split(": ").at(-1)?.toLowerCase();
    throw new OcaptainError("USAGE", `-g "${text}" is not a regular expression: ${why}`, {
      hint: "ocaptain logs -g 'error|failed'",
    });
  }
}

function whole(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new OcaptainError("USAGE", `-n "${text}" is not a number of lines`, { hint: "ocaptain logs -n 50" });
}
