import { styleText } from "node:util";
import { plain } from "../lib/plain-text.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** What a verb has to do with the world: results go to `out`, progress to `say`, and `signal` says that the person has had enough. */
export type Io = {
  json: boolean;
  /** Aborted by Ctrl-C or SIGTERM. */
  signal: AbortSignal;
  /** A line (or lines) of the result, on stdout. */
  out(text: string): void;
  /** A remark, on stderr; none beside JSON, so that an error is all that is there. */
  note(text: string): void;
  /** What goes on now, on stderr, where that is a terminal. */
  progress(text: string): void;
  /** Colour for stdout; none where it is no terminal, or NO_COLOR is set. */
  style: Terminal["style"];
  /** stdout is a terminal: its width; else undefined. */
  columns: number | undefined;
};

export function openIo(json: boolean, signal: AbortSignal): Io {
  const stream = process.stdout;
  const terminal = openTerminal();
  // `ocaptain logs | head`: the reader has what it wants.
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    json,
    signal,
    out: (text) => void stream.write(`${text}\n`),
    note: (text) => json || terminal.plain(text),
    progress: terminal.status,
    style: (format, text) => styleText(format, text, { stream }),
    columns: stream.isTTY ? stream.columns || 80 : undefined,
  };
}

/** The first line, for a table or a list. */
export const firstLine = (text: string) => plain(text.trim().split("\n")[0] ?? "");
