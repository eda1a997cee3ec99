import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FORMATS } from "../../cli/plan/import/shape.ts";
import { planImport } from "../../cli/verbs/plan-import.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { examples, makeExample } from "../../plans/example.mjs";
import { formatFindings } from "../support/findings.ts";
import { gitIn } from "../support/git.ts";
import { IMPORTS, SOURCES } from "../support/import-sources.ts";
import { listen } from "../support/spoken.ts";
import { startStandInGithub } from "../support/stand-in-github.ts";
import { folder, helm, ID, STACK, sail, seen, ships } from "./real-fleet.ts";

// The example plans, and a plan of each format that can be imported, are rehearsed by real crews at the real helm; only
// the VMs are folders on this machine. That the engine sails a plan is tested in tests/stack.

/** Sails a plan with two ships to its end, and checks that each task was done once, after all that it waits for. */
async function rehearse(repo: string, plan: string): Promise<string> {
  const loaded = await loadPlan(plan);
  if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
  const at = await sail(loaded.plan, repo, 2);
  for (const ship of ships) ship.start();
  const status = await seen("the end", async () => {
    const now = await helm.voyage(ID);
    return ["verified", "failed", "done", "blocked"].includes(now.state) && now;
  });
  expect(status.tasks.map((task) => `${task.id} ${task.status}`)).toEqual(loaded.plan.tasks.map(({ id }) => `${id} accepted`));
  const log = gitIn(at.repo, "log", "--reverse", "--format=%(trailers:key=Task,valueonly,separator=)", STACK);
  const order = log.split("\n").filter(Boolean);
  expect([...order].sort()).toEqual(loaded.plan.tasks.map(({ id }) => id).sort());
  for (const { id, blockedBy } of loaded.plan.tasks)
    for (const blocker of blockedBy) expect(order.indexOf(blocker), `${blocker} before ${id}`).toBeLessThan(order.indexOf(id));
  return status.state;
}

test.each(examples)("the example %s is rehearsed to its end, and verified", async (name) => {
  const repo = join(folder, "repo");
  mkdirSync(repo);
  await makeExample(name, repo);
  expect(await rehearse(repo, join(repo, "plan"))).toBe("verified");
});

test.each(FORMATS)("a plan that is imported from %s is rehearsed to its end, each task after what it waits for", async (from) => {
  const repo = join(folder, "repo");
  cpSync(IMPORTS, repo, { recursive: true });
  writeFileSync(join(repo, "package.json"), JSON.stringify({ scripts: { test: "true" } }));
  gitIn(repo, "init", "-q", "-b", "main");
  gitIn(repo, "add", ".");
  gitIn(repo, "commit", "-qm", "Start");
  const plan = join(repo, "plans", from);
  if (from === "github") await importGithub(plan);
  else await planImport(join(repo, SOURCES[from]), { from, out: plan }, listen(true).io);
  // A verify.sh is proposed where the plan lies in the repository that it is for.
  expect(await rehearse(repo, plan)).toBe(from === "github" ? "done" : "verified");
});

async function importGithub(plan: string): Promise<void> {
  const issues = [
    { number: 1, title: "Lift", parts: [2, 3] },
    { number: 2, title: "Gauge" },
    { number: 3, title: "Bell", blockedBy: [2] },
    { number: 5, title: "Paint", blockedBy: [1] },
    { number: 6, title: "Rope" },
  ];
  const service = await startStandInGithub({ repo: "quay/crane", issues });
  const before = { url: process.env.GITHUB_API_URL, token: process.env.GH_TOKEN };
  Object.assign(process.env, { GITHUB_API_URL: service.url, GH_TOKEN: service.state.token });
  try {
    await planImport("quay/crane", { from: "github", out: plan }, listen(true).io);
  } finally {
    await service.close();
    if (before.url === undefined) delete process.env.GITHUB_API_URL;
    else process.env.GITHUB_API_URL = before.url;
    if (before.token === undefined) delete process.env.GH_TOKEN;
    else process.env.GH_TOKEN = before.token;
  }
}
