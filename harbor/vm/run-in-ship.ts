import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { readAtMost } from "../../lib/base/read-at-most.ts";
import type { Vm } from "./vm.ts";

export type RunResult = { exitCode: number; stdout: Buffer; stderr: string };

const MOST_BYTES = 256 * 1024 * 1024;
const LAST_WORDS = 16_384;

/**
 * Runs a command of the harbor's own in the ship, to its end. It is in no list of sessions.
 * @throws OcaptainError TOO_LONG when it prints more than {@link MOST_BYTES}
 */
export async function runInShip(vm: Vm, argv: string[], input?: Readable): Promise<RunResult> {
  const [file, ...args] = [...vm.enterFromHarbor({ env: { PATH: vm.systemPath } }), ...argv] as [string, ...string[]];
  const child = spawn(file, args, { stdio: "pipe", detached: true, env: { PATH: process.env.PATH } });
  const stdout = readAtMost(child.stdout, MOST_BYTES, argv[0] ?? "").catch((error: Error) => {
    child.kill("SIGKILL");
    return error;
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-LAST_WORDS);
  });
  child.stdin.on("error", () => {}); // it ended without reading its input
  if (input) input.pipe(child.stdin);
  else child.stdin.end();
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 255));
  });
  const said = await stdout;
  if (said instanceof Error) throw said;
  return { exitCode, stdout: said, stderr };
}
