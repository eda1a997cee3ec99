import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { loadPlan } from "../../lib/plan/load.ts";
import { formatFindings } from "../support/findings.ts";
import { findingsWith, folder, REPO, sound, task, write } from "./plan-home.ts";

test("no folder, a folder where a file should be, and a file where a folder should be", async () => {
  const nowhere = join(folder, "nowhere");
  expect(await loadPlan(nowhere)).toEqual({
    findings: [{ file: ".", field: "", message: `there is no such folder; it would be ${nowhere}` }],
    isMissing: true,
  });
  await mkdir(join(folder, "tasks", "1.json"), { recursive: true });
  await mkdir(join(folder, "spec.md"));
  const loaded = await loadPlan(folder);
  expect("findings" in loaded && formatFindings(loaded.findings)).toBe(
    "spec.md: is not a regular file\ntasks/1.json: is not a regular file\nvoyage.json: is missing",
  );
});

test("more tasks than a plan can have are refused before they are read", async () => {
  await write({ ...sound(), "voyage.json": { name: "n", repo: REPO } });
  await execa("bash", ["-c", "seq -f %.0f.json 4 10001 | xargs touch"], { cwd: join(folder, "tasks") });
  const loaded = await loadPlan(folder);
  expect(loaded).toMatchObject({ findings: [{ file: "tasks", message: "10001 tasks; at most 10000 are taken" }] });
});

test("tasks that are huge together are refused, and so is a huge one", async () => {
  const big = "x".repeat(250 * 1024);
  const many = Object.fromEntries(
    Array.from({ length: 66 }, (_, i) => [`tasks/${i + 1}.json`, task(`${i + 1}`, { description: big })]),
  );
  const found = await findingsWith({
    ...many,
    "voyage.json": { name: "n", repo: REPO },
    "tasks/67.json": task("67", { description: big + big }),
  });
  expect(found).toMatch(
    /^tasks: \d+ bytes together; at most 16777216 are taken\ntasks\/67.json: is \d+ bytes long; at most 262144 are taken$/,
  );
});
