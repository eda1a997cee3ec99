import { styleText } from "node:util";
import { wrap } from "./wrap.ts";

/** The columns of the time before a line. */
const TIME_COLUMNS = 8;

/**
 * Writes lines for people to stderr, as results go to stdout. On a terminal a last line shows what goes on now, and is
 * overwritten; elsewhere only whole lines are written.
 */
export function openTerminal(stream: NodeJS.WriteStream = process.stderr) {
  const live = stream.isTTY === true;
  let started = performance.now();
  let status = "";

  const clear = () => live && status && stream.write("\r\x1b[2K");
  const paint = () => live && status && stream.write(styleText("dim", status.slice(0, (stream.columns || 80) - 1), { stream }));
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1).padStart(5)}s`;

  return {
    /** Writes a line with the time since the start. One of plain words is broken between them where it is too long. */
    line(text: string): void {
      clear();
      const columns = live && !text.includes("\x1b") ? (stream.columns || 80) - TIME_COLUMNS : undefined;
      const lines = wrap(text, columns, "", "  ").join(`\n${" ".repeat(TIME_COLUMNS)}`);
      stream.write(`${styleText("dim", seconds(), { stream })}  ${lines}\n`);
      paint();
    },
    /** Writes a line as it is. */
    plain(text = ""): void {
      clear();
      stream.write(`${text}\n`);
      paint();
    },
    heading(text: string): void {
      clear();
      stream.write(`\n${styleText("bold", text, { stream })}\n`);
    },
    /** Waits for somebody's answer, and does not count that time. */
    async apart<T>(answer: Promise<T>): Promise<T> {
      const from = performance.now();
      try {
        return await answer;
      } finally {
        started += performance.now() - from;
      }
    },
    /** Shows what goes on now; "" when nothing does. */
    status(text: string): void {
      clear();
      status = text;
      paint();
    },
    style: (format: Parameters<typeof styleText>[0], text: string) => styleText(format, text, { stream }),
  };
}

export type Terminal = ReturnType<typeof openTerminal>;
