import { randomBytes } from "node:crypto";
import type { z } from "zod";
import type { LogFile, LogLine } from "../../lib/logs/line.ts";
import { taskOf } from "../../lib/logs/line.ts";
import { Logs } from "../../lib/logs/read.ts";
import type { LogsReply } from "../../lib/watch/page-api.ts";
import { HttpError } from "../http-error.ts";
import type { LogsAsk } from "./asks.ts";
import { cleaned } from "./clean.ts";

type Ask = z.infer<typeof LogsAsk>;

/** The most that one question reads of a voyage's logs, the end of each: the helm has other things to do. */
const MOST_BYTES = 4 * 1024 * 1024;
/** How many readers go on at a time, those that were asked last; and how long one is kept that is not asked, in ms. */
const MOST_READERS = 16;
const KEPT_MS = 60_000;

type Reader = { voyage: string; ask: Ask; logs: Logs; askedAt: number; turn: Promise<unknown> };

/** The logs as the page asks for them: first the newest lines, then again and again what has come since. */
export class LogReaders {
  readonly #readers = new Map<string, Reader>();

  /**
   * @param root  the folder of the voyage's logs
   * @throws HttpError 410 when the reader that a cursor names is gone
   */
  async read(voyage: string, root: string, ask: Ask): Promise<LogsReply> {
    this.#tidy();
    const cursor = ask.cursor ?? randomBytes(12).toString("base64url");
    const known = this.#readers.get(cursor);
    if (ask.cursor !== undefined && known?.voyage !== voyage)
      throw new HttpError(410, "GONE", "these logs were not asked for in a while; ask anew, without a cursor");
    const logs = known?.logs ?? new Logs(root, { wants: (file) => isWanted(file, ask), mostBytes: MOST_BYTES });
    const reader = known ?? { voyage, ask, logs, askedAt: 0, turn: Promise.resolve() };
    reader.askedAt = performance.now();
    this.#readers.delete(cursor);
    this.#readers.set(cursor, reader);
    // Two questions with one cursor come one after the other, so that each line is told once.
    const turn = reader.turn.then(() => reader.logs.next(false));
    reader.turn = turn.catch(() => {});
    const all = (await turn).filter((line) => fits(line, reader.ask));
    const lines = all.slice(-ask.lines);
    return { lines: cleaned(lines.map(shown)), cursor, truncated: lines.length < all.length || (!known && logs.skips) };
  }

  close(): void {
    this.#readers.clear();
  }

  #tidy(): void {
    for (const [cursor, { askedAt }] of this.#readers)
      if (performance.now() - askedAt > KEPT_MS || this.#readers.size >= MOST_READERS) this.#readers.delete(cursor);
  }
}

/** The supervisor's own log tells of all tasks. */
const isWanted = (file: LogFile, { ship, task }: Ask) =>
  (ship === undefined || file.ship === ship) && (task === undefined || file.journal || taskOf(file.source) === task);

function fits(line: LogLine, { task, text }: Ask): boolean {
  return (task === undefined || line.task === task) && (!text || line.text.toLowerCase().includes(text.toLowerCase()));
}

const shown = ({ at, ship, source, task, event, text }: LogLine) => ({ at, ship, source, task, event, text });
