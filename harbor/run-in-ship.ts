import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Vm } from "./vm.ts";

export type RunResult = { exitCode: number; stdout: Buffer; stderr: string };

/** Runs a command of the harbor's own in the ship, to its end; it is in no list of sessions. */
export function runInShip(vm: Vm, argv: string[], input?: Readable): Promise<RunResult> {
  const [file, ...args] = [...vm.enterFromHarbor(), ...argv] as [string, ...string[]];
  const child = spawn(file, args, { stdio: "pipe", detached: true, env: { PATH: process.env.PATH } });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => stdout.push(data));
  child.stderr.on("data", (data: Buffer) => {
    stderr += data;
  });
  child.stdin.on("error", () => {}); // it ended without reading its input
  if (input) input.pipe(child.stdin);
  else child.stdin.end();
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ exitCode: code ?? 255, stdout: Buffer.concat(stdout), stderr }));
  });
}
