import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A log that a mad loop fills is brought home by a sync: it ends here. */
const LIMIT_BYTES = 10 * 1024 * 1024;

/** `~/voyage/logs/task-<id>-<epoch>.log`: all a hand and its check say. Also shown in the tmux session. */
export class TaskLog {
  readonly #file: number;
  #left = LIMIT_BYTES;

  constructor(logs: string, name: string) {
    this.#file = openSync(join(logs, `${name}.log`), "a");
  }

  readonly write = (chunk: Buffer | string): void => {
    process.stdout.write(chunk);
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
