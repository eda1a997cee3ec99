import { resolve } from "node:path";
import { execa } from "execa";

export const BIN = resolve(import.meta.dirname, "../../bin/ocaptain");

/** Runs `ocaptain ARGS` as a process; that it fails is a result, and is not thrown. */
export const ocaptain = (...args: string[]) => execa(BIN, args, { reject: false, stdin: "ignore", timeout: 100_000 });

/** Starts `ocaptain ARGS`, which goes on by itself, maybe until Ctrl-C. */
export function ongoing(...args: string[]) {
  const child = execa(BIN, args, { reject: false, stdin: "ignore", timeout: 60_000 });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  let remarks = "";
  child.stderr.on("data", (chunk) => {
    remarks += chunk;
  });
  return {
    /** The whole lines that it has printed so far. */
    lines: () => text.split("\n").slice(0, -1),
    /** The text that it has written to stderr so far. */
    remarks: () => remarks,
    /** The exit status, once it has ended. */
    ended: child.then((result) => result.exitCode),
    /** Closes the reading end of its output, as `| head` does. */
    stopReading: () => void child.stdout.destroy(),
    async interrupt(): Promise<number | undefined> {
      child.kill("SIGINT");
      return (await child).exitCode;
    },
  };
}
