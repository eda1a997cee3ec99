import { rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spriteName, spritePrefix } from "../../lib/base/naming.ts";
import { knownHarbor } from "../../lib/daemons/harbor.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { diamond, writePlan } from "../support/plan.ts";
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
  const status = await captain.until("done with it all", (s) => s.ships.every((ship) => ship.state === "ended"));
  const again = await captain.up(["--expect-no-changes"]);
  const { asOf, ...outputs } = await captain.outputs();
  const next = /voyage sea is verified: 5 of 5 tasks accepted; 2 ships, 2 asleep\s+next: ocaptain clone sea/;
  expect(String(again.all)).toMatch(next);
  const tip = await execa("git", ["--git-dir", captain.voyage.repo, "rev-parse", captain.stack]);
  const worked = (ship: string) => status.tasks.filter((task) => task.ship === ship).length;
  const ships = ["ship-0", "ship-1"];
  expect(outputs).toEqual({
    summary: "verified: 5 of 5 tasks accepted; 2 ships, 2 asleep",
    voyage: { id: status.id, state: "verified", repo: captain.repo, branch: captain.stack, tip: tip.stdout },
    ships: ships.map((name) => ({
      name,
      id: status.ships.find((row) => row.ship === name)?.incarnation,
      address: `sprite@${spriteName(captain.stack, status.id, name)}`,
      state: "asleep",
      task: null,
    })),
    tasks: {
      ...{ total: 5, pending: 0, claimed: 0, accepted: 5, blocked: 0, cancelled: 0 },
      ...{ inProgress: 0, completed: 5 },
      byShip: Object.fromEntries(
        ships.filter(worked).map((name) => [name, { accepted: worked(name), completed: worked(name), task: null }]),
      ),
    },
    spend: null,
    workspace: `${captain.stack}/workspace`,
    helm: `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`,
  });
  const heard = [...status.tasks.map((task) => task.changedAt), ...status.ships.map((ship) => ship.lastSeenAt ?? "")];
  expect(heard.filter((at) => at > asOf)).toEqual([]);
  expect(Date.parse(asOf)).toBeLessThanOrEqual(Date.now());
});

test("the state records the order muster, workspace, helm, ships, so that a destroy goes the other way, also without the program; without steps of the captain no command is in it, whose plugin would be needed", async () => {
  const nameOf = (urn: string) => urn.split("::").at(-1) ?? "";
  const { resources = [] } = (await captain.state()).deployment;
  expect(resources.filter(({ type }) => type.startsWith("command:"))).toEqual([]);
  const ours = resources.filter((one) => one.id !== undefined && one.type.startsWith("pulumi-nodejs:dynamic"));
  const graph = Object.fromEntries(
    ours.map(({ urn, dependencies = [], propertyDependencies = {} }) => {
      const all = [...dependencies, ...Object.values(propertyDependencies).flatMap((urns) => urns ?? [])];
      return [nameOf(urn), [...new Set(all.map(nameOf))].filter((name) => name !== captain.stack).sort()];
    }),
  );
  const ship = (name: string) => {
    const syncs = ["logs", "tasks", "workspace"].map((session) => `${name}-${session}`);
    return {
      [name]: ["helm", "muster"],
      ...Object.fromEntries(syncs.map((sync) => [sync, ["muster", name]])),
      [`${name}-crew`]: ["helm", "muster", name, ...syncs].sort(),
    };
  };
  const wanted = { muster: [], workspace: ["muster"], helm: ["muster", "workspace"], ...ship("ship-0"), ...ship("ship-1") };
  expect(graph).toEqual(wanted);
});

test("the state holds no path of this machine, no token, and nothing of the plan's text", async () => {
  const sprites = await captain.sprites();
  const tokens = await Promise.all(
    (await sprites.list(spritePrefix(captain.stack, await captain.voyageId()))).map(
      async (name) => (await sprites.exec(name, ["sh", "-c", 'cat "$HOME/voyage/crew/token"'])).stdout,
    ),
  );
  expect(tokens.map((token) => token.length > 20)).toEqual([true, true]);
  // The captain gave the paths of repository and plan, so these two may be in state.
  const text = JSON.stringify(await captain.state())
    .replaceAll(captain.repo, "REPO")
    .replaceAll(captain.plan, "PLAN");
  const around = (word: string) =>
    text
      .split(word)
      .slice(1)
      .map((after, at) => text.split(word)[at]?.slice(-80) + word + after.slice(0, 40));
  for (const path of [captain.folder, homedir(), process.cwd(), tmpdir()]) expect(around(`${path}/`)).toEqual([]);
  for (const secret of [knownHarbor()?.token ?? "", ...tokens]) expect(around(secret.trim())).toEqual([]);
  expect(text).toContain("ship-0"); // This shows that the text is a state.
  // Nor does it hold the plan, of which it has a digest.
  for (const part of ["Task 1", "A small voyage"]) expect(around(part)).toEqual([]);
});

test("preview: nothing on a settled stack, no output either; of a changed plan, the tasks that it adds, updates, cancels and keeps", async () => {
  const settled = await captain.preview(["--expect-no-changes"]);
  expect(String(settled.all)).not.toMatch(/plan has changed/);
  expect(String(settled.all)).toMatch(/What sails as voyage sea:\s+plan +small \(.*\): 5 tasks, width /);
  expect(String(settled.all)).not.toMatch(/^ *[~+-] +(asOf|ships|tasks|voyage|summary|spend) /m);
  const stays = diamond(5).filter(({ id }) => id !== "5");
  await writePlan(captain.plan, { repo: captain.repo, tasks: [...stays, { id: "6", after: ["1"] }, { id: "7" }] });
  await rm(join(captain.plan, "tasks", "5.json"));
  const preview = await captain.preview();
  // Task 1 now blocks another one, and 5 is gone; both are accepted, and stay as they are.
  expect(String(preview.all)).toMatch(
    /The plan has changed\. Tasks:\s+added: 6, 7\s+kept on their old text[^:]*: 1, 2, 3, 4, 5\s/,
  );
  expect(String(preview.all)).toMatch(/helm .*update.*planDigest,planSummary/);
  // The preview shows the helm's update, and none for the ships, although each is told where the helm is.
  expect(String(preview.all)).not.toMatch(/helmUrl|ship-0-crew +update/);
  await stopHelm();
  expect(String((await captain.preview()).all)).toMatch(/not known, as the helm does not answer; up starts it/);
  await expect(captain.helm().health()).rejects.toMatchObject({ code: "HELM_DOWN" });
});

test("destroy sinks the fleet, proves it, and keeps what was delivered", async () => {
  const id = await captain.voyageId();
  const destroyed = await captain.destroy();
  expect(String(destroyed.all)).toMatch(/voyage sea has sunk, and its work is kept: .*workspace\s+next: ocaptain clone sea/);
  expect(await (await captain.sprites()).list(spritePrefix(captain.stack, id))).toEqual([]);
  expect((await captain.state()).deployment.resources ?? []).toEqual(
    expect.not.arrayContaining([expect.objectContaining({ id: expect.anything() })]),
  );
  await expect(captain.helm().health()).rejects.toMatchObject({ code: "HELM_DOWN" });
  const log = await execa("git", ["--git-dir", captain.voyage.repo, "log", "--oneline", captain.stack]);
  expect(log.stdout.split("\n")).toHaveLength(6);
});
