import { resolve } from "node:path";
import { execa } from "execa";

export const BIN = resolve(import.meta.dirname, "../../bin/ocaptain");

/** Runs `ocaptain ARGS` as a process; that it fails is a result, and is not thrown. */
export const ocaptain = (...args: string[]) => execa(BIN, args, { reject: false, stdin: "ignore", timeout: 100_000 });
