import { closeSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import type { ThisShip } from "../../../machine/ship.ts";
import { TaskLog } from "../../../machine/task-log.ts";
import { Narrator } from "../narrator.ts";
import { parseEvent, type StreamEvent } from "../session.ts";
import { keepTranscript, TRANSCRIPT_MS, transcriptOf } from "../transcript.ts";

const LOOK_MS = 1_000;

/**
 * Keeps the logs of a session with Claude Code's own screen, which writes no stream: `session-<id>.log`, told in words
 * from its transcript, and a copy of the transcript. A session that is resumed is told anew from its start, so that
 * nothing of an earlier crew's last second is missing. Returns the function that ends this.
 */
export function keepSessionLog(ship: ThisShip, session: string): () => void {
  const name = `session-${session}`;
  rmSync(join(ship.logs, `${name}.log`), { force: true });
  const log = new TaskLog(ship.logs, name, () => {});
  const lines = new NewLines();
  const narrator = new Narrator();
  const tell = () => {
    try {
      const file = transcriptOf(ship, session);
      for (const line of file ? lines.of(file) : []) {
        const event = parseEvent(line) as (StreamEvent & { timestamp?: string }) | null;
        if (event) log.write(narrator.tell(event, Date.parse(event.timestamp ?? "")));
      }
    } catch {} // A log must not fail a task.
  };
  const keep = () => keepTranscript(ship, session, "session");
  const timers = [setInterval(tell, LOOK_MS), setInterval(keep, TRANSCRIPT_MS)];
  return () => {
    for (const timer of timers) clearInterval(timer);
    tell();
    keep();
    log.close();
  };
}

/** Reads the whole lines that a file has got since the last look. */
class NewLines {
  readonly #decoder = new StringDecoder("utf8");
  readonly #buffer = Buffer.alloc(256 * 1024);
  #at = 0;
  #rest = "";

  of(path: string): string[] {
    const file = openSync(path, "r");
    try {
      for (let read = -1; read !== 0; this.#at += read) {
        read = readSync(file, this.#buffer, 0, this.#buffer.length, this.#at);
        this.#rest += this.#decoder.write(this.#buffer.subarray(0, read));
      }
    } finally {
      closeSync(file);
    }
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop()!;
    return lines;
  }
}
