import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { isAlive } from "../../lib/base/alive.ts";
import { telemetryTable } from "../../lib/base/paths.ts";
import { TABLES, type Table } from "../../lib/telemetry/schema.ts";

/** A folder of second names. The number is the process that reads by them. */
const READING = /^\.reading-(\d+)-[0-9a-f]+$/;

/**
 * Second names for the files of telemetry, so that a question has the same files from its beginning to its end. DuckDB
 * opens a file by its name more than once: a file that is replaced meanwhile would be read by the places that the
 * earlier one has named. No reader's glob finds these names. Those that a killed process has left go with the next
 * question.
 */
export class Snapshot {
  readonly files = Object.fromEntries(TABLES.map((table) => [table, [] as string[]])) as Record<Table, string[]>;
  readonly #folders: string[] = [];

  constructor(folders: readonly string[]) {
    for (const folder of folders) this.#add(folder);
  }

  #add(folder: string): void {
    const names = namesIn(folder);
    for (const name of names) {
      const pid = READING.exec(name)?.[1];
      if (pid && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
    }
    const copy = join(folder, `.reading-${process.pid}-${randomBytes(4).toString("hex")}`);
    this.#folders.push(copy);
    for (const table of TABLES)
      for (const day of namesIn(telemetryTable(folder, table)).filter((name) => name.startsWith("day=")))
        for (const name of namesIn(join(telemetryTable(folder, table), day))) {
          if (!/^[^.].*\.parquet$/.test(name)) continue;
          const path = join(telemetryTable(folder, table), day, name);
          const second = join(copy, table, day, name.replace(/\.parquet$/, ".part"));
          const found = link(path, second);
          if (found) this.files[table].push(found);
        }
  }

  remove(): void {
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

/** The second name, or the first where a file can have no other; null when the file is gone. */
function link(path: string, second: string): string | null {
  try {
    mkdirSync(dirname(second), { recursive: true });
    linkSync(path, second);
    return second;
  } catch {
    return existsSync(path) ? path : null;
  }
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
