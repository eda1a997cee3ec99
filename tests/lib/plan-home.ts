import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { loadPlan } from "../../lib/plan/load.ts";
import { formatFindings } from "../support/findings.ts";

/** The plan's folder, which is made anew for each test. */
export let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plan-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The content of files by their names; what is no text is written as JSON, and undefined is no file. */
export type Files = Record<string, unknown>;
export const REPO = "https://example.org/r.git";

/** What a file says of a task. */
export const task = (id: string, more: object = {}) => ({
  id,
  subject: `Do ${id}`,
  description: `All of ${id}`,
  activeForm: `Doing ${id}`,
  status: "pending",
  blocks: [],
  blockedBy: [],
  metadata: {},
  ...more,
});

/** A plan of three tasks, each of which waits for the one before, as the prior art's skill writes it. */
export const sound = (): Files => ({
  "voyage.json": {
    name: "survey",
    repo: REPO,
    recommended_ships: 2,
    max_parallel_width: 1,
    total_tasks: 3,
    created: "2026-01-30",
  },
  "spec.md": "# Survey the code\n\nText.\n",
  "verify.sh": "#!/bin/sh\ntest -f report.html\n",
  "tasks/1.json": task("1", { blocks: ["2"] }),
  "tasks/2.json": task("2", { blockedBy: ["1"], blocks: ["3"] }),
  "tasks/3.json": task("3", { blockedBy: ["2"] }),
});

/** Writes files into the plan's folder. */
export async function write(files: Files): Promise<void> {
  await mkdir(join(folder, "tasks"), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) continue;
    await writeFile(
      join(folder, name),
      typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content, null, 2),
    );
  }
}

/** Gives what is found in the sound plan with these files in place of its own; undefined takes a file away. */
export async function findingsWith(changes: Files, options: { repo?: string } = {}): Promise<string> {
  await write({ ...sound(), ...changes });
  const loaded = await loadPlan(folder, options);
  return "findings" in loaded ? formatFindings(loaded.findings) : "";
}
