import { existsSync } from "node:fs";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { COLUMNS, TABLES, type Table } from "../../lib/telemetry/schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { LEDGER_TABLES, type LedgerTable, type Question } from "./wire.ts";

const THREADS = 2;

/**
 * Opens a database in memory that has the tables of the ledgers, and the telemetry as views. From then on it can read
 * the files of the telemetry, and reach no other file, no network and no extension, nor spill to the disk, whatever it
 * is asked; and no setting of that can be changed.
 */
export async function openDatabase(
  question: Question,
  snapshot: Snapshot,
): Promise<{ connection: DuckDBConnection; files: Record<Table, number> }> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(THREADS),
    memory_limit: `${question.memoryMiB}MiB`,
    temp_directory: "",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    allow_persistent_secrets: "false",
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  for (const [name, columns] of Object.entries(LEDGER_TABLES))
    await fill(connection, name, columns, question.rows[name as LedgerTable]);
  const files = {} as Record<Table, number>;
  for (const table of TABLES) {
    files[table] = snapshot.files[table].length;
    await connection.run(`CREATE VIEW ${table} AS ${viewOf(snapshot.files[table])}`);
  }
  const allowed = question.folders.filter((folder) => existsSync(folder)).map((folder) => sqlText(join(folder, "/")));
  if (allowed.length > 0) await connection.run(`SET allowed_directories = [${allowed.join(", ")}]`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
  return { connection, files };
}

/** Makes a table of rows, which may lack columns. */
async function fill(
  connection: DuckDBConnection,
  table: string,
  columns: Record<string, string>,
  rows: readonly object[],
): Promise<void> {
  const shape = sqlText(JSON.stringify([columns]));
  const made = await connection.prepare(
    `CREATE TABLE ${table} AS SELECT unnest(from_json($1::JSON, ${shape}), recursive := true)`,
  );
  made.bindVarchar(1, JSON.stringify(rows));
  await made.run();
}

/** A view of Parquet files, which has all columns also where there is no file, or one of earlier code. */
function viewOf(files: readonly string[]): string {
  const columns = Object.entries({ ...COLUMNS, day: "DATE" }).map(([name, type]) => `NULL::${type} AS ${name}`);
  const none = `SELECT ${columns.join(", ")} WHERE false`;
  if (files.length === 0) return none;
  const list = files.map(sqlText).join(", ");
  return `${none} UNION ALL BY NAME FROM read_parquet([${list}], hive_partitioning = true, union_by_name = true)`;
}

const sqlText = (text: string) => `'${text.replaceAll("'", "''")}'`;
