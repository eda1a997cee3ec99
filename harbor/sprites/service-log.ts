import { appendFileSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";

/** What the vendor's streams tell of a service, one JSON line each (facts: sprites §6). */
export type ServiceEvent = {
  type: "started" | "stdout" | "stderr" | "exit" | "error" | "stopping" | "stopped";
  data?: string;
  exit_code?: number;
  /** Milliseconds since the epoch. */
  timestamp: number;
};

const KEPT_LINES = 1000;
const KEPT_CHARACTERS = 512 * 1024;
/** What comes without a line's end is cut into lines of so much. */
const LINE_CHARACTERS = 64 * 1024;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** What one service prints: the last lines in memory, with their stream, and all of it in a file, which is begun anew at 4 MiB. */
export class ServiceLog {
  private readonly file: string;
  private readonly now: () => number;
  private readonly listeners = new Set<(event: ServiceEvent) => void>();
  private readonly begun = { stdout: "", stderr: "" };
  private lines: ServiceEvent[] = [];
  private kept = 0;
  private bytes = Number.POSITIVE_INFINITY;

  constructor(file: string, now: () => number) {
    this.file = file;
    this.now = now;
  }

  /** Events from now on; the returned function ends it. */
  listen(listener: (event: ServiceEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(event: Omit<ServiceEvent, "timestamp">): void {
    const told = { ...event, timestamp: this.now() };
    for (const listener of this.listeners) listener(told);
  }

  write(stream: "stdout" | "stderr", data: string): void {
    const parts = data.split("\n");
    parts[0] = this.begun[stream] + parts[0];
    const whole = parts.flatMap((part, at) => {
      const last = at === parts.length - 1;
      const pieces = cut(part);
      if (last) this.begun[stream] = pieces.pop()!;
      return pieces;
    });
    if (whole.length === 0) return;
    this.append(whole.map((line) => `${line}\n`).join(""));
    for (const line of whole) this.line(stream, line);
  }

  /** The last line may have had no end. */
  flush(): void {
    for (const stream of ["stdout", "stderr"] as const) if (this.begun[stream]) this.write(stream, "\n");
  }

  tail(count: number): ServiceEvent[] {
    return count > 0 ? this.lines.slice(-count) : [];
  }

  remove(): void {
    for (const file of [this.file, `${this.file}.1`]) rmSync(file, { force: true });
  }

  private line(type: "stdout" | "stderr", data: string): void {
    const event = { type, data, timestamp: this.now() };
    this.lines.push(event);
    this.kept += data.length;
    while (this.lines.length > KEPT_LINES || this.kept > KEPT_CHARACTERS) this.kept -= this.lines.shift()!.data!.length;
    for (const listener of this.listeners) listener(event);
  }

  /** A full disk, or a sprite that is being deleted, does not end the harbor. */
  private append(text: string): void {
    try {
      if (this.bytes > MAX_FILE_BYTES) {
        mkdirSync(dirname(this.file), { recursive: true, mode: 0o755 });
        if (this.bytes !== Number.POSITIVE_INFINITY) renameSync(this.file, `${this.file}.1`);
        this.bytes = 0;
      }
      appendFileSync(this.file, text, { mode: 0o600 });
      this.bytes += Buffer.byteLength(text);
    } catch {}
  }
}

/** At least one piece, which may be empty. */
function cut(line: string): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (; line.length - at > LINE_CHARACTERS; at += LINE_CHARACTERS) pieces.push(line.slice(at, at + LINE_CHARACTERS));
  return [...pieces, line.slice(at)];
}
