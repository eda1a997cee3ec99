import { resolve } from "node:path";
import { execa } from "execa";

export const BIN = resolve(import.meta.dirname, "../../bin/ocaptain");

/** `ocaptain ARGS` as a process; a failure is a result. */
export const ocaptain = (...args: string[]) => execa(BIN, args, { reject: false, stdin: "ignore", timeout: 30_000 });
