import { appendFileSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";

/** An event of a service, sent as one JSON line in the vendor's form. */
export type ServiceEvent = {
  type: "started" | "stdout" | "stderr" | "exit" | "error" | "stopping" | "stopped";
  data?: string;
  exit_code?: number;
  /** Milliseconds since the epoch. */
  timestamp: number;
};

const KEPT_LINES = 1000;
const KEPT_CHARACTERS = 512 * 1024;
/** Longest line; longer ones are cut. */
const LINE_CHARACTERS = 64 * 1024;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Keeps what one service prints: the last lines in memory, with their stream, and all of it in a file, which is begun
 * anew at 4 MiB.
 */
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

  /** Calls the listener with every event from now on, until the returned function is called. */
  listen(listener: (event: ServiceEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Sends an event to the listeners; it is not kept. */
  tell(event: Omit<ServiceEvent, "timestamp">): void {
    const told = { ...event, timestamp: this.now() };
    for (const listener of this.listeners) listener(told);
  }

  /** Takes what the service has printed, and keeps the lines that are whole. */
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

  /** Keeps the last line also when it has no end. */
  flush(): void {
    for (const stream of ["stdout", "stderr"] as const) if (this.begun[stream]) this.write(stream, "\n");
  }

  /** The last `count` lines that are kept. */
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

  /**
   * Appends to the file. A failure is ignored: neither a full disk nor a sprite that is being deleted may end the
   * harbor.
   */
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

/** A line's pieces of at most {@link LINE_CHARACTERS}: at least one, which may be empty. */
function cut(line: string): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (; line.length - at > LINE_CHARACTERS; at += LINE_CHARACTERS) pieces.push(line.slice(at, at + LINE_CHARACTERS));
  return [...pieces, line.slice(at)];
}
