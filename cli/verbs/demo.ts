import { spawn } from "node:child_process";
import { once } from "node:events";
import { programFile } from "../../lib/base/program-file.ts";
import type { Io } from "../output/io.ts";
import { waitedFor } from "../output/waited-for.ts";

/**
 * `ocaptain demo [options]` runs the demonstration in a process of its own, since that takes another captain's home for
 * itself. A Ctrl-C of the terminal reaches both; the demonstration ends what it began. @returns its exit status
 */
export async function demo(options: Record<string, string | boolean>, io: Io): Promise<number> {
  const typed = { ...options, ...(io.json && { json: true }) };
  const words = Object.entries(typed).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, `${value}`]));
  const child = spawn(process.execPath, [programFile("cli/demo/main"), ...words], { stdio: "inherit" });
  const pass = () => child.kill("SIGTERM");
  process.once("SIGTERM", pass);
  const [status] = (await waitedFor(once(child, "close"))) as [number | null];
  process.off("SIGTERM", pass);
  return status ?? 1;
}
