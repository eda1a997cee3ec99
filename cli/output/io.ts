import { styleText } from "node:util";
import { plain, plainLines } from "../../lib/base/text.ts";
import { openTerminal, type Terminal } from "./terminal.ts";
import { fold } from "./wrap.ts";

/** How a verb speaks with the person who typed it: results go to stdout, remarks and progress to stderr. */
export type Io = {
  json: boolean;
  /** Aborted when the person has had enough (Ctrl-C, SIGTERM or SIGHUP). */
  signal: AbortSignal;
  /**
   * Writes lines of the result to stdout. Whatever is in them, nothing but our own {@link style} acts on a terminal.
   */
  out(text: string): void;
  /** Writes data for another program to stdout, as it is; a terminal gets it harmless. */
  data(text: string): void;
  /** Writes lines of the result in the place of all that is on the screen. */
  repaint(text: string): void;
  /**
   * Writes a remark to stderr. Beside JSON only a verb that works for minutes does; else an error is all that is there.
   */
  note(text: string): void;
  /** Shows on stderr what goes on now, where that is a terminal. */
  progress(text: string): void;
  /** Shows on stderr what has been done and what goes on, as long work goes on. */
  steps: Pick<Terminal, "line" | "status" | "style">;
  /** Waits for the answer of the person; that time is not counted in what {@link steps} show. */
  apart: Terminal["apart"];
  /** Colours text for stdout; not where that is no terminal, or NO_COLOR is set. */
  style: Terminal["style"];
  /** The width of the terminal at stdout; undefined when it is none. */
  columns: number | undefined;
};

/**
 * Opens the way to the person.
 * @param isLong  whether the verb works for minutes, and so tells of its progress beside JSON, too
 */
export function openIo(json: boolean, signal: AbortSignal, isLong = false): Io {
  const isQuiet = json && !isLong;
  const stream = process.stdout;
  const terminal = openTerminal();
  // `ocaptain logs | head`: the reader has what it wants.
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    json,
    signal,
    out: (text) => void stream.write(`${styled(text)}\n`),
    data: (text) => void stream.write(stream.isTTY ? styled(text.replaceAll("\r\n", "\n")) : text),
    repaint: (text) => void stream.write(`\x1b[H\x1b[J${styled(text)}\n`),
    note: (text) => isQuiet || terminal.plain(fold(plainLines(text), columnsOf(process.stderr))),
    progress: (text) => terminal.status(plain(text)),
    steps: isQuiet ? { ...terminal, line: () => {}, status: () => {} } : terminal,
    apart: terminal.apart,
    style: (format, text) => styleText(format, text, { stream }),
    columns: columnsOf(stream),
  };
}

/** The width of the terminal at a stream; undefined when it is none. */
export const columnsOf = (stream: NodeJS.WriteStream): number | undefined => (stream.isTTY ? stream.columns || 80 : undefined);

/** Makes the text harmless but for colours: what others wrote was made harmless before it was painted, or is now. */
const styled = (text: string) =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what `style` puts around text
    .split(/(\x1b\[[\d;]{0,20}m)/)
    .map((part, index) => (index % 2 === 1 ? part : plainLines(part, { most: Number.POSITIVE_INFINITY })))
    .join("");
