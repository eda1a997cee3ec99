import { createInterface } from "node:readline/promises";
import { columnsOf, type Io } from "./io.ts";
import { wrap } from "./wrap.ts";

/** Whether somebody is there who can be asked. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Asks a question on stderr, and takes only `y` or `yes` for a yes. */
export async function ask(question: string, io: Io): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // The terminal is in raw mode meanwhile, and Ctrl-C is a key.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const asked = wrap(`${question} [y/N]`, columnsOf(process.stderr)).join("\n");
    return /^\s*y(es)?\s*$/i.test(await io.apart(lines.question(`${asked} `, { signal: io.signal })));
  } finally {
    lines.close();
  }
}
