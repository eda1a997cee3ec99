import { rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Table } from "../../lib/telemetry/schema.ts";
import type { Dropped, DropReason, FolderStatus } from "../../lib/telemetry/wire.ts";
import { type Batch, RowBuffer, rowsOf } from "./buffer.ts";
import { partsOf, rowCount, sweep, writeRows } from "./files.ts";

/** What the store is bounded by. */
export type Bounds = {
  /** After so long, or so many rows, what has come is written to files. */
  flushMs: number;
  flushRows: number;
  /** While more rows than these wait, nothing more is taken. */
  mostWaiting: number;
  /** The most that the files of one folder may have; the oldest go first. */
  mostBytes: number;
};

/** The error of a batch that is not taken now, and may be later. */
export class Behind extends Error {}

type Counts = Pick<FolderStatus, "requests" | "rows" | "dropped" | "lastAt">;

/** Keeps rows: first in the buffer, and soon after in files. */
export class Store {
  readonly #buffer: RowBuffer;
  readonly #bounds: Bounds;
  readonly #counts = new Map<string, Counts>();
  #flushing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Is called with what fails while nobody waits for it. */
  onError: (error: unknown) => void = () => {};

  private constructor(buffer: RowBuffer, bounds: Bounds) {
    this.#buffer = buffer;
    this.#bounds = bounds;
  }

  /** @param file the buffer's file */
  static async open(file: string, bounds: Bounds): Promise<Store> {
    const store = new Store(await RowBuffer.open(file), bounds);
    await store.#recall();
    for (const folder of store.#counts.keys()) await sweep(folder);
    if (store.#buffer.rows > 0) await store.flush();
    return store;
  }

  /**
   * Keeps a batch; it is on disk when this resolves.
   * @throws Behind
   */
  async take(batch: Batch): Promise<void> {
    if (this.#buffer.rows > this.#bounds.mostWaiting) throw new Behind("more rows wait than can be written");
    const counts = this.#countsOf(batch.folder);
    counts.requests += 1;
    counts.lastAt = new Date().toISOString();
    if (batch.rows.length === 0) return;
    if (await this.#buffer.add(batch)) counts.rows[batch.table] = (counts.rows[batch.table] ?? 0) + batch.rows.length;
    if (this.#buffer.rows >= this.#bounds.flushRows) this.#flushSoon(0);
    else this.#flushSoon(this.#bounds.flushMs);
  }

  /** Counts what is not kept. */
  drop(folder: string, reason: DropReason, count = 1): void {
    const { dropped } = this.#countsOf(folder);
    dropped[reason] = (dropped[reason] ?? 0) + count;
  }

  /** Writes all that has come until now to files; what cannot be written goes on waiting, and is tried again. */
  async flush(): Promise<void> {
    // Who asks while one goes on wants what came after it began, too.
    await this.#flushing?.catch(() => {});
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  async status(): Promise<FolderStatus[]> {
    const waiting = new Map<string, number>();
    for (const generation of await this.#buffer.generations())
      for (const { folder, rows } of await this.#buffer.placesOf(generation).catch(() => []))
        waiting.set(folder, (waiting.get(folder) ?? 0) + rows);
    const folders = [...this.#counts].map(async ([folder, counts]) => {
      const parts = await partsOf(folder);
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      return { folder, ...counts, files: parts.length, bytes, waiting: waiting.get(folder) ?? 0 };
    });
    return Promise.all(folders);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.flush();
    this.#buffer.close();
  }

  async #flush(): Promise<void> {
    const written = new Set<string>();
    const failed: unknown[] = [];
    for (const generation of await this.#buffer.turn()) {
      const before = failed.length;
      for (const place of await this.#buffer.placesOf(generation)) {
        try {
          // A place that has these rows already is left as it is.
          await writeRows(this.#buffer.connection, place, { buffer: this.#buffer.id, generation });
          written.add(place.folder);
        } catch (error) {
          failed.push(error); // Other places may have room.
        }
      }
      if (failed.length === before) await this.#buffer.drop(generation);
    }
    for (const folder of written) await this.#keepInBounds(folder);
    await this.#remember();
    if (failed.length === 0) return;
    this.#flushSoon(this.#bounds.flushMs);
    throw failed[0];
  }

  #flushSoon(ms: number): void {
    if (ms === 0) clearTimeout(this.#timer);
    else if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.flush().catch(this.onError);
    }, ms);
  }

  /** Takes the oldest files out of a folder that has more than it may have, and counts their rows. */
  async #keepInBounds(folder: string): Promise<void> {
    const parts = await partsOf(folder);
    let bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    for (const part of parts.slice(0, -1)) {
      if (bytes <= this.#bounds.mostBytes) return;
      this.drop(folder, "disk", await rowCount(this.#buffer.connection, part));
      await rm(part.path, { force: true });
      // The folder of a day without files goes; one with files stays, as this removes none.
      await rmdir(dirname(part.path)).catch(() => {});
      bytes -= part.bytes;
    }
  }

  #countsOf(folder: string): Counts {
    const counts = this.#counts.get(folder) ?? {
      requests: 0,
      rows: {} as Record<Table, number>,
      dropped: {} as Dropped,
      lastAt: null,
    };
    this.#counts.set(folder, counts);
    return counts;
  }

  async #recall(): Promise<void> {
    const { connection } = this.#buffer;
    await connection.run("CREATE TABLE IF NOT EXISTS counts(folder VARCHAR, counts VARCHAR)");
    for (const [folder, counts] of await rowsOf<[string, string]>(connection, "SELECT folder, counts FROM counts"))
      this.#counts.set(folder, JSON.parse(counts) as Counts);
  }

  async #remember(): Promise<void> {
    const { connection } = this.#buffer;
    await connection.run("CREATE OR REPLACE TABLE counts(folder VARCHAR, counts VARCHAR)");
    for (const [folder, counts] of this.#counts)
      await connection.run("INSERT INTO counts VALUES ($1, $2)", [folder, JSON.stringify(counts)]);
  }
}
