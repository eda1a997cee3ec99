import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

/**
 * Writes a tiny repository, and a plan with a task for each ship that lasts longer than any measurement: the fleet
 * stays as `up` left it.
 */
export async function writeBusyPlan(folder: string, ships: number): Promise<string> {
  const repo = join(folder, "repo");
  const plan = join(folder, "plan");
  await mkdir(repo);
  const git = (...args: string[]) =>
    execa("git", ["-c", "user.name=Captain", "-c", "user.email=captain@example.com", ...args], { cwd: repo });
  await git("init", "-q", "-b", "main");
  await writeFile(join(repo, "README.md"), "# A repository\n");
  await git("add", ".");
  await git("commit", "-qm", "Start");

  await mkdir(join(plan, "tasks"), { recursive: true });
  for (let id = 1; id <= ships; id++) {
    const task = {
      id: String(id),
      subject: `Task ${id}`,
      description: "Be at work",
      activeForm: "Being at work",
      status: "pending",
      blocks: [],
      blockedBy: [],
      metadata: { rehearsal: "sleep 1200" },
    };
    await writeFile(join(plan, "tasks", `${id}.json`), JSON.stringify(task));
  }
  await writeFile(join(plan, "spec.md"), "# Be at work\n");
  await writeFile(join(plan, "verify.sh"), "#!/bin/sh\ntrue\n", { mode: 0o755 });
  const voyage = {
    name: "bench",
    repo,
    recommended_ships: ships,
    max_parallel_width: ships,
    total_tasks: ships,
    created: "2026-01-01",
  };
  await writeFile(join(plan, "voyage.json"), JSON.stringify(voyage));
  return plan;
}
