import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { MIGRATIONS, SCHEMA } from "./schema.ts";

type Job = { run: () => unknown; resolve: (value: never) => void; reject: (error: unknown) => void };

/**
 * The SQLite file of one voyage. A write is answered only after its transaction is on disk: a ship must not hold what a
 * helm that loses its power would not know of. All writes that are asked for in one turn of the event loop share a
 * transaction, and so one fsync, which keeps a grant fast when many ships ask at one time.
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #queue: Job[] = [];

  /** @param options.sync `full` survives a power cut; `off` is for tests of speed alone. @default "full" */
  constructor(file: string, options: { sync?: "full" | "off" } = {}) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.#db = new DatabaseSync(file, { timeout: 5_000 });
    // Checkpoints are rarer than by default (1000 pages): each costs an fsync of both files while ships wait.
    this.#db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${options.sync ?? "full"}; PRAGMA wal_autocheckpoint=4000`);
    this.#migrate();
    this.#db.exec(SCHEMA);
  }

  #migrate(): void {
    const has = this.#db.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?");
    for (const { table, column, sql } of MIGRATIONS) if (has.get(table, column)) this.#db.exec(`BEGIN IMMEDIATE; ${sql} COMMIT`);
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  one<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  /**
   * Changes rows; to be called inside a {@link write} alone. Returns how many rows have changed, and the id of the last
   * row that was put in.
   */
  run(sql: string, ...values: SQLInputValue[]): { changes: number; rowId: number } {
    const { changes, lastInsertRowid } = this.#statement(sql).run(...values);
    return { changes: Number(changes), rowId: Number(lastInsertRowid) };
  }

  /**
   * Runs `job` in a transaction; resolves once it is on disk. When `job` throws, nothing of it stays and the promise
   * rejects with what it threw.
   */
  write<T>(job: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: job, resolve: resolve as (value: never) => void, reject });
      if (this.#queue.length === 1) setImmediate(() => this.#commit());
    });
  }

  #commit(): void {
    const jobs = this.#queue;
    this.#queue = [];
    const answers: (() => void)[] = [];
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      for (const job of jobs) answers.push(this.#inSavepoint(job));
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec("ROLLBACK");
      for (const job of jobs) job.reject(error);
      return;
    }
    for (const answer of answers) answer();
  }

  #inSavepoint(job: Job): () => void {
    this.#db.exec("SAVEPOINT job");
    try {
      const value = job.run() as never;
      this.#db.exec("RELEASE job");
      return () => job.resolve(value);
    } catch (error) {
      this.#db.exec("ROLLBACK TO job; RELEASE job");
      return () => job.reject(error);
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
