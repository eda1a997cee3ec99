import { spawnSync } from "node:child_process";
import type { PlanTask } from "../../lib/plan/types.ts";
import { gitIn, nobodysEnv } from "../support/git.ts";

/** Runs a shell command of a plan in `tree`, and returns its exit status and all that it has printed. */
export function run(tree: string, command: string): { status: number | null; said: string } {
  const ran = spawnSync("bash", ["-c", command], { cwd: tree, env: nobodysEnv, encoding: "utf8", timeout: 60_000 });
  return { status: ran.status, said: ran.stdout + ran.stderr };
}

/** Does a task in `tree` as the hand `rehearsal` would: its command, its check, and one commit. */
export function doTask(tree: string, { id, subject, metadata }: PlanTask): void {
  for (const command of [metadata.rehearsal, metadata.check] as string[]) {
    const { status, said } = run(tree, command);
    if (status !== 0) throw new Error(`task ${id} ${subject}: ${said}`);
  }
  gitIn(tree, "add", "--all");
  gitIn(tree, "commit", "--quiet", "-m", subject);
}
