import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { onRepository, readSailedPlan } from "../../lib/plan/sailed-plan.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";

let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let folder: VoyageFolder;
/** Each test has a voyage of its own, all at one helm. */
let number = 0;
let ID = "";
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await ensureHelm();
});
beforeEach(() => {
  ID = `abc12${++number}`;
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

async function sail(graph: Record<string, string[]>, more: Parameters<typeof makePlan>[1] = {}) {
  const plan = onRepository(makePlan(graph, more), "."); // It has its real digest.
  const voyage = await makeVoyage(makeSource(captain.root), `v${number}`, plan);
  folder = voyage.folder;
  await helm.registerVoyage(ID, voyage.register);
  return voyage.register;
}
async function come(name: string) {
  const incarnation = `vm-${name}`;
  const { token } = await helm.registerShip(ID, name, incarnation);
  const call = ship(captain.url, token, incarnation);
  await call.hello();
  return { call, tree: makeTree(captain.root, captain.url, ID, name, token) };
}
async function done({ call, tree }: Awaited<ReturnType<typeof come>>): Promise<string> {
  const grant = await call.grant();
  tree.reset(grant.tip);
  const commit = tree.commit({ [`f${grant.task.id}`]: "x" }, `T${grant.task.id}`);
  tree.push(commit, grant);
  await call.accepted(grant, commit, { check: grant.check === null ? null : { exitCode: 0, output: "" } });
  return grant.task.id;
}
const add = (subject: string, more: object = {}) => helm.addTask(ID, { subject, description: `Do it: ${subject}`, ...more });
const statuses = async () => Object.fromEntries((await helm.voyage(ID)).tasks.map(({ id, status }) => [id, status]));

test("a follow-up makes a voyage that has come to its end sail again, and any plan keeps it", async () => {
  const register = await sail({ "1": [], "2": ["1"] });
  const a = await come("ship-0");
  await done(a);
  await done(a);
  expect((await helm.voyage(ID)).state).toBe("done");

  const { task, isNew } = await add("Mend it", { after: ["2"], check: "true", source: "ci:build", signature: "check:build" });
  expect(isNew).toBe(true);
  expect(task).toMatchObject({ id: "900001", status: "pending", blockedBy: ["2"], source: "ci:build" });
  expect(task.addedAt).toBe(task.changedAt);
  expect(await add("Mend it again", { signature: "check:build" })).toEqual({ task, isNew: false });
  expect(await helm.voyage(ID)).toMatchObject({ state: "sailing", ships: [{ hasWork: true }] });
  expect((await helm.events(ID)).events.at(-1)).toMatchObject({
    kind: "task-added",
    task: "900001",
    data: { followUp: true },
  });
  expect(JSON.parse(readFileSync(join(folder.tasks, "900001.json"), "utf8"))).toMatchObject({
    subject: "Mend it",
    metadata: { source: "ci:build", check: "true", ocaptain: { status: "pending", addedAt: task.addedAt } },
  });

  // The same plan, and a changed one, say that they leave it as it is; so does one of which the ledger's copy sails.
  const same = { added: [], updated: [], cancelled: [], kept: [], followUps: ["900001"] };
  expect(await helm.planChanges(ID, readSailedPlan(folder.ledger)!.plan)).toEqual(same);
  expect(await helm.registerVoyage(ID, register)).toEqual(same);
  const plan = makePlan({ "1": [], "3": [] });
  expect(await helm.registerVoyage(ID, { ...register, plan })).toEqual({ ...same, added: ["3"], kept: ["1", "2"] });
  expect(await statuses()).toEqual({ "1": "accepted", "2": "accepted", "3": "pending", "900001": "pending" });
  expect([await done(a), await done(a)]).toEqual(["3", "900001"]);
  expect((await helm.planChanges(ID, plan)).followUps).toBeUndefined();
  expect((await helm.voyage(ID)).state).toBe("done");
});

test("ids never collide: a plan that brings a follow-up's number is refused with both named, and is not brought in by half", async () => {
  const register = await sail({ "1": [], "900002": ["1"] });
  expect((await add("First")).task.id).toBe("900001");
  expect((await add("Second")).task.id).toBe("900003");
  for (const id of ["900003", "0900003"]) {
    const plan = makePlan({ "1": [], "5": [], [id]: [] });
    const refused = expect.objectContaining({
      code: "BAD_PLAN",
      message: expect.stringMatching(`task ${id} \\("Task ${id}"\\) has the number of a follow-up .*: 900003 \\("Second"\\)`),
    });
    await expect(helm.planChanges(ID, plan)).rejects.toEqual(refused);
    await expect(helm.registerVoyage(ID, { ...register, plan })).rejects.toEqual(refused);
  }
  expect(await statuses()).toEqual({ "1": "pending", "900001": "pending", "900002": "pending", "900003": "pending" });
});

test("a follow-up waits only for tasks that the voyage has; what does not fit adds nothing", async () => {
  const register = await sail({ "1": [], "2": [] });
  await helm.registerVoyage(ID, { ...register, plan: makePlan({ "1": [] }) });
  for (const [more, said] of [
    [{ after: ["7"] }, /the voyage has no task 7$/],
    [{ after: ["2"] }, /the voyage has no task 2 any more: it is cancelled/],
  ] as const)
    await expect(add("x", more)).rejects.toMatchObject({ code: "BAD_TASK", message: expect.stringMatching(said) });
  for (const more of [{ after: ["../1"] }, { check: "a\rb" }, { touches: ["/etc"] }, { description: "\0" }, { odd: 1 }])
    await expect(add("x", more)).rejects.toMatchObject({ code: "bad-request" });
  await expect(add("two\nlines")).rejects.toMatchObject({ code: "bad-request" });
  expect(await statuses()).toEqual({ "1": "pending", "2": "cancelled" });
});

test("an urgent follow-up is granted first, and what it waits for before all else", async () => {
  await sail({ "1": [], "2": ["1"], "3": ["2"], "4": [] });
  await add("Later", { after: ["1"] });
  await add("At once", { after: ["4"], urgent: true });
  const a = await come("ship-0");
  const order: string[] = [];
  for (let n = 0; n < 6; n++) order.push(await done(a));
  expect(order).toEqual(["4", "900002", "1", "2", "3", "900001"]);
});

test("a follow-up that nobody is at can be cancelled, and what waits for it is free; a task of the plan cannot", async () => {
  const register = await sail({ "1": [] });
  await add("First");
  await add("Second", { after: ["900001"], signature: "s" });
  await expect(helm.cancelTask(ID, "1")).rejects.toMatchObject({ code: "TASK_STATUS", message: /one of the plan's/ });
  await expect(helm.cancelTask(ID, "8")).rejects.toMatchObject({ code: "NO_TASK" });
  const a = await come("ship-0");
  const first = await a.call.grant();
  expect(first.task.id).toBe("900001");
  await expect(helm.cancelTask(ID, "900001")).rejects.toMatchObject({
    code: "TASK_STATUS",
    message: expect.stringContaining("is claimed by ship-0"),
    hint: `ocaptain release 900001 v${number}`,
  });
  await a.call.release(first, false);
  for (let twice = 0; twice < 2; twice++) expect(await helm.cancelTask(ID, "900001")).toMatchObject({ status: "cancelled" });
  expect((await helm.events(ID)).events.filter(({ kind }) => kind === "task-cancelled")).toHaveLength(1);
  expect(await helm.registerVoyage(ID, register)).toMatchObject({ added: [], cancelled: [], followUps: ["900002"] });
  expect((await a.call.grant()).task.id).toBe("1");
  expect((await (await come("ship-1")).call.grant()).task.id).toBe("900002");
  expect(await statuses()).toEqual({ "1": "claimed", "900001": "cancelled", "900002": "claimed" });
  expect(await add("Third", { signature: "s" })).toMatchObject({ task: { id: "900002" }, isNew: false });
  expect((await add("Third")).task.id).toBe("900003");
});
