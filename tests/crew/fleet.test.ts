import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadPlan } from "../../lib/plan/load.ts";
import type { Plan } from "../../lib/plan/types.ts";
import { launchCrew, stopCrew } from "../../lib/ship/crew-launch.ts";
import { gitIn } from "../support/git.ts";
import { folder, helm, ID, inTmux, STACK, sail, seen, ships } from "./real-fleet.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));

async function survey(): Promise<Plan> {
  const loaded = await loadPlan(join(project, "plans/survey"));
  if ("findings" in loaded) throw new Error("the survey plan does not load");
  return loaded.plan;
}

describe("a fleet at the real helm", () => {
  test("sails the survey in tmux with three ships: each task once, one killed on the way, verified at the end", async () => {
    const repo = join(folder, "src");
    mkdirSync(repo);
    gitIn(repo, "init", "--quiet");
    gitIn(repo, "commit", "--quiet", "--allow-empty", "-m", "start");
    const plan = await survey();
    const at = await sail(plan, repo, 3);
    for (const ship of ships) expect(inTmux(ship, launchCrew).status).toBe(0);
    expect(inTmux(ships[0]!, launchCrew).status).toBe(0); // starting twice starts one

    await seen("a task of ship-1", async () => (await helm.voyage(ID)).tasks.some((task) => task.ship === "ship-1"));
    const pid = ships[1]!.lastHello().pid;
    process.kill(pid, "SIGKILL");
    await seen("tmux to end with it", () => inTmux(ships[1]!, ["tmux", "has-session", "-t", "=crew"]).status !== 0);
    expect(inTmux(ships[1]!, launchCrew).status).toBe(0);

    const status = await seen("the end", async () => {
      const now = await helm.voyage(ID);
      return now.state === "verified"
        ? now
        : now.state === "failed" || now.state === "blocked"
          ? Promise.reject(new Error(JSON.stringify(now)))
          : false;
    });
    expect(status.tasks.every((task) => task.status === "accepted")).toBe(true);
    expect(status.verified!.exitCode).toBe(0);
    const log = gitIn(at.repo, "log", "--no-merges", "--format=%(trailers:key=Task,valueonly,separator=)", STACK)
      .split("\n")
      .filter(Boolean);
    expect(log.map(Number).sort((a, b) => a - b)).toEqual(plan.tasks.map((task) => Number(task.id)));
    expect(gitIn(at.repo, "show", `${STACK}:survey/report.html`)).toContain("</html>");
    for (const ship of ships)
      await seen(`${ship.name} to end`, () => inTmux(ship, ["tmux", "has-session", "-t", "=crew"]).status !== 0);
    for (const ship of ships)
      expect(existsSync(ship.path("logs/supervisor.err")) && readFileSync(ship.path("logs/supervisor.err"), "utf8")).toBe("");
  });

  test("fifteen tasks that append to one file are all done by five ships: to lose a race costs no try", async () => {
    const repo = join(folder, "src");
    mkdirSync(repo);
    gitIn(repo, "init", "--quiet");
    gitIn(repo, "commit", "--quiet", "--allow-empty", "-m", "start");
    const plan = await survey();
    const tasks = Array.from({ length: 15 }, (_, i) => ({
      id: String(i + 1),
      subject: `Append ${i + 1}`,
      description: "",
      blocks: [],
      blockedBy: [],
      metadata: { rehearsal: `sleep 0.${(i * 7) % 10}; echo ${i + 1} >> list.txt` },
    }));
    const at = await sail({ ...plan, tasks, verify: null, digest: "x" }, repo, 5);
    for (const ship of ships) ship.start();
    const status = await seen(
      "the end",
      async () => {
        const now = await helm.voyage(ID);
        return now.state === "done" || now.state === "blocked" ? now : false;
      },
      150_000,
    );
    expect(status.tasks.map((task) => `${task.status} ${task.tries} ${task.epoch}`)).toEqual(Array(15).fill("accepted 0 1"));
    const list = gitIn(at.repo, "show", `${STACK}:list.txt`).split("\n").map(Number);
    expect(list.sort((a, b) => a - b)).toEqual(tasks.map((task) => Number(task.id)));
  }, 180_000);

  test("stopCrew ends it in order: the claim is given back, the hand is gone", async () => {
    const repo = join(folder, "src");
    mkdirSync(repo);
    gitIn(repo, "init", "--quiet");
    gitIn(repo, "commit", "--quiet", "--allow-empty", "-m", "start");
    const plan = await survey();
    const task = { ...plan.tasks[0]!, blocks: [], metadata: { rehearsal: "sleep 300" } };
    await sail({ ...plan, tasks: [task], digest: "x" }, repo, 1);
    inTmux(ships[0]!, launchCrew);
    await seen(
      "the claim",
      async () => (await helm.voyage(ID)).tasks[0]!.status === "claimed" && ships[0]!.handPids().length > 0,
    );
    expect(inTmux(ships[0]!, stopCrew).status).toBe(0);
    await seen("the release", async () => (await helm.voyage(ID)).tasks[0]!.status === "pending");
    expect((await helm.voyage(ID)).tasks[0]!.tries).toBe(0);
    expect(ships[0]!.handPids()).toEqual([]);
  });
});
