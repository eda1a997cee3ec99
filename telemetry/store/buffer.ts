import { randomUUID } from "node:crypto";
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance, DuckDBTimestampValue } from "@duckdb/node-api";
import { COLUMNS, type Column, type Row, type Table } from "../../lib/telemetry/schema.ts";

/** The rows of one request, where they belong, and the digest by which that request is known when it comes again. */
export type Batch = { folder: string; table: Table; rows: Row[]; digest: string };

/** One folder of one day: the rows that go into the same files. */
export type Place = { folder: string; table: Table; day: string };

/** The most rows that are made durable by one commit. */
const MOST_ROWS = 5_000;
/** The engine's own memory, beside that of its library. */
const MEMORY = "256MB";
/** For how many requests it is remembered that they came. */
const MOST_DIGESTS = 20_000;

const NAMES = Object.keys(COLUMNS) as Column[];
const GENERATION = /^rows_(\d+)$/;

/**
 * What has come and is in no Parquet file yet, in a file of DuckDB: a batch is on disk before `add` resolves, and
 * outlives SIGKILL and a power cut. Rows are in *generations*, a table each: new ones go into the newest, and the older
 * ones are written to files and dropped whole.
 */
export class RowBuffer {
  /** Tells this buffer from any other: files say by it which generations they have. */
  readonly id: string;
  readonly connection: DuckDBConnection;
  readonly #writer: DuckDBConnection;
  #generation: number;
  /** Whether the newest generation may have rows. */
  #isBegun = false;
  #waiting: { batch: Batch; resolve: (isNew: boolean) => void; reject: (error: unknown) => void }[] = [];
  #adding: Promise<void> | null = null;
  #writing: Promise<unknown> = Promise.resolve();
  readonly #digests: Set<string>;
  /** The rows that are in no file yet. */
  rows = 0;

  private constructor(connections: DuckDBConnection[], id: string, generation: number, digests: Set<string>) {
    this.#writer = connections[0]!;
    this.connection = connections[1]!;
    this.id = id;
    this.#generation = generation;
    this.#digests = digests;
  }

  static async open(file: string): Promise<RowBuffer> {
    const instance = await DuckDBInstance.create(file, { threads: "1", memory_limit: MEMORY });
    const connections = [await instance.connect(), await instance.connect()];
    const [writer] = connections as [DuckDBConnection];
    await writer.run("SET preserve_insertion_order = true");
    await writer.run("CREATE TABLE IF NOT EXISTS buffer(id VARCHAR)");
    await writer.run("CREATE TABLE IF NOT EXISTS digests(digest VARCHAR)");
    await writer.run(`INSERT INTO buffer SELECT '${randomUUID()}' WHERE NOT EXISTS (FROM buffer)`);
    const [[id]] = (await rowsOf<[string]>(writer, "SELECT id FROM buffer")) as [[string]];
    const digests = new Set((await rowsOf<[string]>(writer, "SELECT digest FROM digests")).map(([digest]) => digest));
    const buffer = new RowBuffer(connections, id, 0, digests);
    const left = await buffer.generations();
    for (const generation of left)
      buffer.rows += Number((await rowsOf<[bigint]>(writer, `SELECT count(*) FROM rows_${generation}`))[0]![0]);
    await buffer.#begin((left.at(-1) ?? 0) + 1);
    return buffer;
  }

  /**
   * Keeps a batch, and resolves once it is on disk; to false when the very same request was kept before, whose answer
   * was then lost.
   */
  add(batch: Batch): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#adding ??= this.#addAll().finally(() => {
        this.#adding = null;
      });
    });
  }

  /** Lets new rows begin another generation; all others are then ready to be written to files. Returns these. */
  turn(): Promise<number[]> {
    return this.#alone(async () => {
      const ready = await this.generations();
      const isEmpty = ready.at(-1) === this.#generation && !this.#isBegun;
      if (isEmpty) return ready.slice(0, -1);
      await this.#begin(this.#generation + 1);
      return ready;
    });
  }

  /** All generations that there are, the oldest first. */
  async generations(): Promise<number[]> {
    const names = await rowsOf<[string]>(this.connection, "SELECT table_name FROM duckdb_tables()");
    const numbers = names.flatMap(([name]) => GENERATION.exec(name)?.[1] ?? []).map(Number);
    return numbers.sort((a, b) => a - b);
  }

  /** The places whose rows a generation has, and how many. */
  async placesOf(generation: number): Promise<(Place & { rows: number })[]> {
    const sql = `SELECT folder, "table", strftime(time, '%Y-%m-%d'), count(*) FROM rows_${generation} GROUP BY ALL ORDER BY ALL`;
    const found = await rowsOf<[string, Table, string, bigint]>(this.connection, sql);
    return found.map(([folder, table, day, rows]) => ({ folder, table, day, rows: Number(rows) }));
  }

  /** Forgets a generation, as all of its rows are in files. */
  async drop(generation: number): Promise<void> {
    const [[count]] = (await rowsOf<[bigint]>(this.connection, `SELECT count(*) FROM rows_${generation}`)) as [[bigint]];
    await this.connection.run(`DROP TABLE rows_${generation}`);
    this.rows -= Number(count);
  }

  close(): void {
    this.#writer.closeSync();
    this.connection.closeSync();
  }

  /** Runs what writes, one after the other: its statements are in transactions of one connection. */
  #alone<T>(write: () => Promise<T>): Promise<T> {
    const run = this.#writing.then(write);
    this.#writing = run.catch(() => {});
    return run;
  }

  async #begin(generation: number): Promise<void> {
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name} ${type}`);
    await this.#writer.run(`CREATE TABLE rows_${generation}(folder VARCHAR, "table" VARCHAR, ${columns.join(", ")})`);
    this.#generation = generation;
    this.#isBegun = false;
  }

  async #addAll(): Promise<void> {
    // What comes in the same turn of the loop shares a commit.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      let rows = 0;
      let count = 0;
      while (count < this.#waiting.length && (count === 0 || rows < MOST_ROWS)) rows += this.#waiting[count++]!.batch.rows.length;
      const taken = this.#waiting.splice(0, count);
      try {
        const isNew = await this.#alone(() => this.#keep(taken.map(({ batch }) => batch)));
        for (const [index, { resolve }] of taken.entries()) resolve(isNew[index]!);
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
  }

  async #keep(batches: Batch[]): Promise<boolean[]> {
    const fresh = new Set<string>();
    const isNew = batches.map(({ digest }) => !this.#digests.has(digest) && !fresh.has(digest) && Boolean(fresh.add(digest)));
    this.#isBegun = true;
    await this.#writer.run("BEGIN");
    try {
      const rows = await this.#writer.createAppender(`rows_${this.#generation}`);
      for (const [index, batch] of batches.entries()) if (isNew[index]) for (const row of batch.rows) append(rows, batch, row);
      rows.closeSync();
      const digests = await this.#writer.createAppender("digests");
      for (const digest of fresh) {
        digests.appendVarchar(digest);
        digests.endRow();
      }
      digests.closeSync();
      await this.#writer.run("COMMIT");
    } catch (error) {
      await this.#writer.run("ROLLBACK").catch(() => {});
      throw error;
    }
    for (const [index, batch] of batches.entries()) if (isNew[index]) this.rows += batch.rows.length;
    for (const digest of fresh) this.#digests.add(digest);
    if (this.#digests.size > 2 * MOST_DIGESTS) await this.#forgetDigests();
    return isNew;
  }

  async #forgetDigests(): Promise<void> {
    const old = [...this.#digests].slice(0, this.#digests.size - MOST_DIGESTS);
    for (const digest of old) this.#digests.delete(digest);
    await this.#writer.run(
      `CREATE OR REPLACE TABLE digests AS SELECT digest FROM digests ORDER BY rowid DESC LIMIT ${MOST_DIGESTS}`,
    );
  }
}

/** The rows of an answer, each as a list. */
export async function rowsOf<T>(connection: DuckDBConnection, sql: string): Promise<T[]> {
  return (await (await connection.runAndReadAll(sql)).getRows()) as unknown as T[];
}

/** A text in SQL. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function append(to: DuckDBAppender, { folder, table }: Batch, row: Row): void {
  to.appendVarchar(folder);
  to.appendVarchar(table);
  for (const name of NAMES) {
    const value = row[name];
    if (value === null) to.appendNull();
    else if (COLUMNS[name] === "TIMESTAMP") to.appendTimestamp(new DuckDBTimestampValue(value as bigint));
    else if (COLUMNS[name] === "VARCHAR") to.appendVarchar(value as string);
    else if (COLUMNS[name] === "INTEGER") to.appendInteger(value as number);
    else if (COLUMNS[name] === "DOUBLE") to.appendDouble(value as number);
    else to.appendBigInt(value as bigint);
  }
  to.endRow();
}
