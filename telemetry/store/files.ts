import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { captainTelemetry, telemetryTable } from "../../lib/base/paths.ts";
import { COLUMNS, TABLES } from "../../lib/telemetry/schema.ts";
import { type Place, rowsOf, sqlText } from "./buffer.ts";

/** A file takes more rows while it has fewer than these, and fewer bytes. */
const MOST_ROWS = 50_000;
const MOST_BYTES = 8 * 1024 * 1024;

const PART = /^part-(\d{6,})\.parquet$/;
const DAY = /^day=(\d{4,}-\d\d-\d\d)$/;
/** Of a file that is being written; no glob of readers finds it, and one that was left behind is swept. */
const UNFINISHED = ".tmp-";
const UNREADABLE = ".unreadable-";

/** A file of rows, and what tells of the generations of a buffer that are in it. */
export type Part = { path: string; day: string; number: number; bytes: number };
type Content = { rows: number; buffer: string; generation: number };

/**
 * Writes the rows of one place that a generation has into Parquet files, so that whoever reads them meanwhile sees each
 * row at most once and no half of a file, also by a plain glob: rows come to a file by another one of the same name
 * which has the old rows and the new, and takes its place at once. A file of {@link MOST_ROWS} stays as it is, and the
 * next number begins.
 *
 * A file says which generation it has last, so that one that was written, and not dropped as the process died, is not
 * written again.
 */
export async function writeRows(
  connection: DuckDBConnection,
  { folder, table, day, rows }: Place & { rows: number },
  { buffer, generation }: { buffer: string; generation: number },
): Promise<void> {
  const days = join(telemetryTable(homeOf(folder), table), `day=${day}`);
  await mkdir(days, { recursive: true });
  const last = (await partsOfDay(days, day)).at(-1);
  const has = last && (await contentOf(connection, last));
  if (last && !has) await rename(last.path, join(days, `${UNREADABLE}${last.number}-${randomBytes(4).toString("hex")}`));
  if (has && has.buffer === buffer && has.generation >= generation) return;
  const goesOn = has && has.rows + rows <= MOST_ROWS && last.bytes < MOST_BYTES;
  const number = goesOn ? last.number : (last?.number ?? 0) + 1;
  const target = join(days, `part-${String(number).padStart(6, "0")}.parquet`);

  const columns = Object.keys(COLUMNS).join(", ");
  const fresh = `SELECT ${columns} FROM rows_${generation} WHERE folder = ${sqlText(folder)} AND "table" = '${table}' AND strftime(time, '%Y-%m-%d') = '${day}'`;
  const select = goesOn
    ? `FROM read_parquet(${sqlText(last.path)}, hive_partitioning = false) UNION ALL BY NAME ${fresh}`
    : fresh;
  const unfinished = join(days, `${UNFINISHED}${randomBytes(8).toString("hex")}`);
  try {
    await connection.run(
      `COPY (${select}) TO ${sqlText(unfinished)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {ocaptain_buffer: '${buffer}', ocaptain_generation: '${generation}'})`,
    );
    await onDisk(unfinished);
    await rename(unfinished, target);
    await onDisk(days);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Takes away what writes that were cut off have left in a folder of telemetry. */
export async function sweep(folder: string): Promise<void> {
  for (const days of await foldersOfDays(folder))
    for (const name of await readdir(days.path))
      if (name.startsWith(UNFINISHED)) await rm(join(days.path, name), { force: true });
}

/** All files of a folder of telemetry, the oldest day first. */
export async function partsOf(folder: string): Promise<Part[]> {
  const parts = await Promise.all((await foldersOfDays(folder)).map(({ path, day }) => partsOfDay(path, day)));
  return parts.flat().sort((a, b) => (a.day === b.day ? a.number - b.number : a.day < b.day ? -1 : 1));
}

/** How many rows a file has; 0 when it cannot be read. */
export async function rowCount(connection: DuckDBConnection, part: Part): Promise<number> {
  return (await contentOf(connection, part))?.rows ?? 0;
}

/** The folder where the rows for `folder` go: the captain's own, when the voyage's folder has been moved away. */
const homeOf = (folder: string): string => (existsSync(dirname(folder)) ? folder : captainTelemetry());

async function foldersOfDays(folder: string): Promise<{ path: string; day: string }[]> {
  const found = TABLES.map(async (table) => {
    const at = telemetryTable(folder, table);
    const names = await readdir(at).catch(() => [] as string[]);
    return names.flatMap((name) => (DAY.test(name) ? { path: join(at, name), day: DAY.exec(name)![1]! } : []));
  });
  return (await Promise.all(found)).flat();
}

async function partsOfDay(days: string, day: string): Promise<Part[]> {
  const names = (await readdir(days)).filter((name) => PART.test(name));
  const parts = names.map(async (name) => {
    const path = join(days, name);
    return { path, day, number: Number(PART.exec(name)![1]), bytes: (await stat(path)).size };
  });
  return (await Promise.all(parts)).sort((a, b) => a.number - b.number);
}

async function contentOf(connection: DuckDBConnection, { path }: Part): Promise<Content | null> {
  try {
    const [[rows]] = (await rowsOf<[bigint]>(connection, `SELECT num_rows FROM parquet_file_metadata(${sqlText(path)})`)) as [
      [bigint],
    ];
    const pairs = await rowsOf<[string, string]>(
      connection,
      `SELECT decode(key), decode(value) FROM parquet_kv_metadata(${sqlText(path)})`,
    );
    const about = new Map(pairs);
    return {
      rows: Number(rows),
      buffer: about.get("ocaptain_buffer") ?? "",
      generation: Number(about.get("ocaptain_generation") ?? 0),
    };
  } catch {
    return null;
  }
}

/** Brings a file, or the names in a folder, to disk. */
async function onDisk(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
