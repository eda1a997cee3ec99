import { styleText } from "node:util";
import { plain, plainLines } from "../../lib/base/text.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** What a verb has to do with the world: results go to `out`, progress to `say`, and `signal` says that the person has had enough. */
export type Io = {
  json: boolean;
  /** Aborted by Ctrl-C or SIGTERM. */
  signal: AbortSignal;
  /** A line (or lines) of the result, on stdout. Whatever is in it, nothing but our own {@link style} acts on a terminal. */
  out(text: string): void;
  /** The same in the place of all that is on the screen. */
  repaint(text: string): void;
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
    out: (text) => void stream.write(`${styled(text)}\n`),
    repaint: (text) => void stream.write(`\x1b[H\x1b[J${styled(text)}\n`),
    note: (text) => json || terminal.plain(plainLines(text)),
    progress: (text) => terminal.status(plain(text)),
    style: (format, text) => styleText(format, text, { stream }),
    columns: stream.isTTY ? stream.columns || 80 : undefined,
  };
}

/** Harmless but for colours: what others wrote was made harmless before it was painted, or is now. */
const styled = (text: string) =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what `style` puts around text
    .split(/(\x1b\[[\d;]{0,20}m)/)
    .map((part, index) => (index % 2 === 1 ? part : plainLines(part, { most: Number.POSITIVE_INFINITY })))
    .join("");

/** The first line, for a table or a list. */
export const firstLine = (text: string) => plain(text.trim().split("\n")[0] ?? "");
