import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The most that a log may hold: it is synced to the captain, and a task may write without end. */
const LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * The file `~/voyage/logs/<name>.log` with all that a hand and its check say. Each chunk is also given to `show`, which
 * prints it in the tmux session `crew` unless the hand has a session of its own.
 */
export class TaskLog {
  readonly #file: number;
  readonly #show: (chunk: Buffer | string) => void;
  #left = LIMIT_BYTES;

  constructor(logs: string, name: string, show: (chunk: Buffer | string) => void = (chunk) => void process.stdout.write(chunk)) {
    this.#file = openSync(join(logs, `${name}.log`), "a");
    this.#show = show;
  }

  readonly write = (chunk: Buffer | string): void => {
    this.#show(chunk);
    const bytes = Buffer.from(chunk);
    if (this.#left <= 0) return;
    writeSync(this.#file, bytes.subarray(0, this.#left));
    this.#left -= bytes.length;
    if (this.#left <= 0) writeSync(this.#file, "\n[the rest is not kept: 10 MiB are full]\n");
  };

  close(): void {
    closeSync(this.#file);
  }
}
