import { stripVTControlCharacters, styleText } from "node:util";
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

/** What ships and agents wrote, made harmless for a terminal: no escape sequence, no control character but tab. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return stripVTControlCharacters(text).replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, "");
}

/** The first line, for a table or a list. */
export const firstLine = (text: string) => plain(text.trim().split("\n")[0] ?? "");
