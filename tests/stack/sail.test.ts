import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spritePrefix } from "../../lib/naming.ts";
import { diamond } from "../fixtures/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

let captain: Captain;
beforeAll(async () => {
  captain = await openCaptain({ tasks: diamond(5) });
});
afterAll(() => captain.close());

test("up sails: the fleet is ready, the plan is worked off once each, and verified", async () => {
  await captain.up();
  const status = await captain.until("verified", (s) => s.state === "verified");
  expect(status.tasks.map((task) => [task.id, task.status])).toEqual(["1", "2", "3", "4", "5"].map((id) => [id, "accepted"]));
  const log = await execa("git", ["--git-dir", captain.voyage.repo, "log", "--format=%s", captain.stack]);
  expect(log.stdout.split("\n").sort()).toEqual(["Start", "Task 1", "Task 2", "Task 3", "Task 4", "Task 5"]);
  const files = await execa("git", ["--git-dir", captain.voyage.repo, "ls-tree", "-r", "--name-only", captain.stack]);
  expect(files.stdout.split("\n")).toEqual(["README.md", "out/1", "out/2", "out/3", "out/4", "out/5"]);
});

test("up again changes nothing, and its outputs say what the task files say", async () => {
  await captain.up(["--expect-no-changes"]);
  const outputs = await captain.outputs();
  expect(outputs.tasks).toMatchObject({ total: 5, completed: 5, pending: 0, inProgress: 0, blocked: 0 });
  expect(outputs.voyage).toMatchObject({ state: "verified", branch: captain.stack });
  expect(outputs.ships.map((ship) => ship.name)).toEqual(["ship-0", "ship-1"]);
});

test("destroy sinks the fleet, proves it, and keeps what was delivered", async () => {
  const id = await captain.voyageId();
  await captain.destroy();
  expect(await (await captain.sprites()).list(spritePrefix(captain.stack, id))).toEqual([]);
  expect((await captain.state()).deployment.resources ?? []).toEqual(
    expect.not.arrayContaining([expect.objectContaining({ id: expect.anything() })]),
  );
  await expect(captain.helm().health()).rejects.toMatchObject({ code: "HELM_DOWN" });
  const log = await execa("git", ["--git-dir", captain.voyage.repo, "log", "--oneline", captain.stack]);
  expect(log.stdout.split("\n")).toHaveLength(6);
});
