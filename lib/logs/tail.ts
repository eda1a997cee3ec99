import { open, stat } from "node:fs/promises";

const CHUNK_BYTES = 1024 * 1024;
/** The most that is read of one file at one time. */
const MOST_BYTES = 32 * CHUNK_BYTES;

/**
 * Reads a file that only grows, from where it was read last. Mutagen puts a new file in its place for each change, so
 * it is opened anew each time. A file that is shorter than before is another one, and is read from its start.
 */
export class Tail {
  readonly path: string;
  readonly #mostBytes: number;
  #at = 0;
  /** Whether something that came before was not read, as it was too much. */
  skips = false;
  #rest: Buffer = Buffer.alloc(0);

  /** @param mostBytes  the most that is read at one time: the end of what is new */
  constructor(path: string, mostBytes = MOST_BYTES) {
    this.path = path;
    this.#mostBytes = mostBytes;
  }

  /** The whole lines that are new; with `final` also what comes after the last newline. None when the file is gone. */
  async lines(final: boolean): Promise<string[]> {
    const size = (await stat(this.path).catch(() => null))?.size ?? this.#at;
    if (size === this.#at && !(final && this.#rest.length > 0)) return [];
    const handle = await open(this.path, "r").catch(() => null);
    if (!handle) return [];
    if (size < this.#at) {
      this.#at = 0;
      this.#rest = Buffer.alloc(0);
    }
    // A ship's log may be of any size up to its sync's limit: of a very long one only the end is read.
    const skipped = Math.max(0, size - this.#at - this.#mostBytes);
    if (skipped > 0) {
      this.skips = true;
      this.#at += skipped;
      this.#rest = Buffer.from(`[${skipped} bytes before this are not shown: ${this.path}]\n`);
    }
    const chunks = [this.#rest];
    try {
      while (this.#at < size) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, this.#at);
        if (bytesRead === 0) break;
        chunks.push(buffer.subarray(0, bytesRead));
        this.#at += bytesRead;
      }
    } finally {
      await handle.close();
    }
    // Lines are cut by bytes: the end of what is there may cut a character in two.
    const all = Buffer.concat(chunks);
    const end = final ? all.length : all.lastIndexOf("\n") + 1;
    this.#rest = all.subarray(end);
    const text = all.toString("utf8", 0, end);
    return text === "" ? [] : text.replace(/\n$/, "").split("\n");
  }
}
