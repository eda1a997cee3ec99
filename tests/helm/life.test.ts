import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { gitIn } from "../support/git.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship, startLastingHelm } from "../support/helm-voyage.ts";
import { runs } from "../support/runs.ts";
import { taskCounts } from "../support/task-counts.ts";

let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let folder: VoyageFolder;
/** Each test has a voyage of its own, at one helm. */
let number = 0;
let ID: string;
let stack: string;
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await startLastingHelm(captain);
});
beforeEach(() => {
  number++;
  ID = number.toString(16).padStart(6, "0");
  stack = `v${number}`;
});
afterEach(() => helm.deregisterVoyage(ID));
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

async function sail(
  graph: Record<string, string[]>,
  more: Parameters<typeof makePlan>[1] = {},
  timing: object = { leaseSeconds: 60 },
) {
  const voyage = await makeVoyage(makeSource(captain.root), stack, makePlan(graph, more), { timing });
  folder = voyage.folder;
  await helm.registerVoyage(ID, voyage.register);
  return voyage.register;
}
async function come(name: string, incarnation = `vm-${name}`) {
  const { token } = await helm.registerShip(ID, name, incarnation);
  const call = ship(captain.url, token, incarnation);
  await call.hello();
  return { token, call, tree: makeTree(captain.root, captain.url, ID, name, token) };
}
const done = async (s: Awaited<ReturnType<typeof come>>) => {
  const grant = await s.call.grant();
  s.tree.reset(grant.tip);
  const commit = s.tree.commit({ [`f${grant.task.id}`]: "x" }, `T${grant.task.id}`);
  s.tree.push(commit, grant);
  return s.call.accepted(grant, commit);
};
const file = (id: string) => JSON.parse(readFileSync(join(folder.tasks, `${id}.json`), "utf8"));

const TASKS = runs(12, 8);
const KILLS = runs(8, 4);

test("killed with SIGKILL again and again while ships deliver, the helm loses nothing and doubles nothing", async () => {
  const ids = Array.from({ length: TASKS }, (_, index) => String(index + 1));
  await sail(Object.fromEntries(ids.map((id) => [id, []])), {}, { leaseSeconds: 600 });
  const ships = await Promise.all(["ship-0", "ship-1", "ship-2"].map((name) => come(name)));
  let over = false;
  let kills = 0;
  // The number of kills is bounded: on a busy machine a helm that lives a quarter of a second gets little done.
  const killer = (async () => {
    while (!over && kills < KILLS) {
      const { pid } = await helm.health();
      await new Promise((resolve) => setTimeout(resolve, 60 + Math.random() * 250));
      if (over) return;
      process.kill(pid, "SIGKILL");
      kills++;
      await ensureHelm();
    }
  })();
  /** Asks until there is an answer, always with the same request id, as a supervisor does. */
  const patiently = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (const deadline = Date.now() + 180_000; ; ) {
      try {
        return await ask();
      } catch (error) {
        if (Date.now() > deadline || /^(claim|accept): 4/.test(String((error as Error).message))) throw error;
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    }
  };
  await Promise.all(
    ships.map(async ({ call, tree }, index) => {
      for (let round = 0; ; round++) {
        const claim = await patiently(() => call.claim(`claim-${index}-${round}`));
        if (claim.kind !== "grant") {
          if (claim.kind === "nothing" && claim.reason === "done") return;
          continue;
        }
        const { grant } = claim;
        await patiently(async () => tree.reset(grant.tip));
        const commit = tree.commit({ [`f${grant.task.id}`]: "x" }, `T${grant.task.id}`);
        await patiently(async () => tree.push(commit, grant));
        const reply = await patiently(() => call.accepted(grant, commit, { requestId: `accept-${index}-${round}` }));
        expect(reply.kind).toBe("accepted");
      }
    }),
  ).finally(() => {
    over = true;
    return killer;
  });
  helm = await ensureHelm();
  expect(kills).toBeGreaterThan(runs(2, 0));
  const status = await helm.voyage(ID);
  expect(status.tasks.map((task) => task.status)).toEqual(ids.map(() => "accepted"));
  expect(status.tasks.map((task) => task.epoch)).toEqual(ids.map(() => 1));
  const log = gitIn(captain.root, "--git-dir", folder.repo, "log", "--format=%s", stack).split("\n");
  expect(log.sort()).toEqual([...ids.map((id) => `T${id}`), "start"].sort());
  expect(await taskCounts(folder)).toMatchObject({ total: TASKS, accepted: TASKS });
}, 240_000);

test("a silent ship is fenced when its lease is over, its task goes to another, and it comes back only as a new life", async () => {
  const register = await sail({ "1": [] }, {}, { leaseSeconds: 60 });
  const a = await come("ship-0");
  const grant = await a.call.grant();
  // Leases are short from now on only, so that the ship has the time to come and claim; its last word begins the one
  // that ends.
  await helm.registerVoyage(ID, { ...register, timing: { leaseSeconds: 1, heartbeatSeconds: 0.2, fenceSeconds: 0.7 } });
  expect((await a.call.heartbeat({ task: "1", epoch: grant.epoch })).status).toBe(200);
  await expect.poll(async () => (await helm.ship(ID, "ship-0")).state).toBe("fenced");
  await helm.registerVoyage(ID, { ...register, timing: { leaseSeconds: 60 } });
  expect((await helm.voyage(ID)).tasks[0]).toMatchObject({
    status: "pending",
    tries: 0,
    reason: expect.stringContaining("taken from ship-0"),
  });
  const b = await come("ship-1");
  expect((await b.call.grant()).epoch).toBe(2);
  expect(await a.call.accept(grant, "a".repeat(40))).toMatchObject({ status: 409, body: { error: "fenced" } });
  expect(await a.call.heartbeat({ task: "1", epoch: 1 })).toMatchObject({ status: 409, body: { error: "fenced" } });
  // The same VM, launched again by `up`, gets a new token and a new life.
  const again = await come("ship-0");
  expect(await again.call.claim()).toMatchObject({ kind: "nothing", reason: "waiting" });
  expect((await a.call.raw("claim", {})).status).toBe(409);
  expect(await again.call.accept(grant, "a".repeat(40))).toMatchObject({
    status: 409,
    body: { error: "stale-epoch", holder: { ship: "ship-1", incarnation: "vm-ship-1", epoch: 2 } },
  });
});

test("a task that fails as often as it may is blocked and shown; a captain's retry frees it", async () => {
  await sail({ "1": [], "2": ["1"] }, { metadata: { "1": { tries: 2 } } });
  const a = await come("ship-0");
  expect((await a.call.release(await a.call.grant(), true, "broke once")).body).toEqual({ status: "pending", tries: 1 });
  expect((await a.call.release(await a.call.grant(), false, "handed back")).body).toEqual({ status: "pending", tries: 1 });
  expect((await a.call.release(await a.call.grant(), true, "broke twice")).body).toEqual({ status: "blocked", tries: 2 });
  expect(await a.call.claim()).toMatchObject({ kind: "nothing", reason: "done" });
  expect(await helm.voyage(ID)).toMatchObject({
    state: "blocked",
    tasks: [{ status: "blocked", reason: "broke twice" }, { status: "pending" }],
  });
  expect(file("1")).toMatchObject({
    id: "1",
    subject: "[blocked] Task 1",
    status: "pending",
    blocks: ["2"],
    metadata: { tries: 2, ocaptain: { status: "blocked", reason: "broke twice", epoch: 3, tries: 2 } },
  });
  expect(readFileSync(join(folder.tasks, "1.json"), "utf8")).toMatch(/^\{\n {2}"id": "1",\n/);
  expect(await taskCounts(folder)).toMatchObject({ total: 2, pending: 1, blocked: 1 });
  expect(await helm.retryTask(ID, "1")).toMatchObject({ status: "pending", tries: 0 });
  expect((await a.call.grant()).epoch).toBe(4);
});

test("a changed plan: added, updated and cancelled where nobody has begun; claimed and accepted tasks keep their text", async () => {
  const register = await sail({ "1": [], "2": [], "3": [], "4": ["3"], "5": ["4"] });
  const a = await come("ship-0");
  const b = await come("ship-1");
  expect((await a.call.grant()).task.id).toBe("3");
  const one = await b.call.grant();
  expect(one.task.id).toBe("1");
  const plan = makePlan({ "1": [], "2": [], "3": [], "5": ["3"], "6": ["2"] });
  for (const task of plan.tasks) if (task.id !== "6") task.description = "other";
  const changes = { added: ["6"], updated: ["2", "5"], cancelled: ["4"], kept: ["1", "3"] };
  expect(await helm.planChanges(ID, plan)).toEqual(changes);
  expect((await helm.voyage(ID)).tasks).toHaveLength(5);
  expect(await helm.registerVoyage(ID, { ...register, plan })).toEqual(changes);
  expect(await helm.registerVoyage(ID, { ...register, plan })).toEqual({ added: [], updated: [], cancelled: [], kept: [] });
  expect((await helm.voyage(ID)).tasks.map((task) => task.status)).toEqual([
    "claimed",
    "pending",
    "claimed",
    "cancelled",
    "pending",
    "pending",
  ]);
  expect(file("4")).toMatchObject({ subject: "[cancelled] Task 4", status: "completed" });
  expect(file("1").description).toBe("Do 1");
  // A task that is given back has the text of the new plan.
  await b.call.release(one, false);
  expect(file("1").description).toBe("other");
  // A task that the plan drops while it is claimed is cancelled when it is given back. With task 6 the longest chain
  // waits for task 2.
  const two = await b.call.grant();
  expect(two.task).toMatchObject({ id: "2", description: "other" });
  const shorter = makePlan({ "1": [], "3": [], "5": ["3"] });
  expect((await helm.planChanges(ID, shorter)).kept).toContain("2");
  await helm.registerVoyage(ID, { ...register, plan: shorter });
  expect((await b.call.release(two, true)).body).toMatchObject({ status: "cancelled" });
  const broken = makePlan({ "1": ["9"] });
  await expect(helm.registerVoyage(ID, { ...register, plan: broken })).rejects.toMatchObject({ code: "BAD_PLAN" });
});

test("verify.sh is given to one ship, once, from the ledger's copy; its result names the commit", async () => {
  await sail({ "1": [] }, { verify: "exit 3" });
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  await done(a);
  expect((await helm.voyage(ID)).state).toBe("verifying");
  const ask = await a.call.claim();
  const { tip } = await helm.voyage(ID);
  if (ask.kind !== "verify") throw new Error(ask.kind);
  expect(ask).toMatchObject({ commit: tip, script: "exit 3" });
  expect(await b.call.claim()).toMatchObject({ kind: "nothing", reason: "waiting" });
  expect(await a.call.claim()).toEqual(ask);
  expect(await b.call.raw("verified", { epoch: ask.epoch, commit: tip, exitCode: 0, output: "", seconds: 1 })).toMatchObject({
    status: 409,
  });
  expect((await a.call.raw("verified", { epoch: ask.epoch, commit: tip, exitCode: 3, output: "no", seconds: 1 })).body).toEqual({
    state: "failed",
  });
  expect(await helm.voyage(ID)).toMatchObject({ state: "failed", verified: { commit: tip, exitCode: 3, output: "no" } });
  expect(await b.call.claim()).toMatchObject({ kind: "nothing", reason: "done" });
});

test("another verify.sh is due anew, and a ship lost in the middle of it is replaced", async () => {
  const register = await sail({ "1": [] }, { verify: "true" });
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  await done(a);
  const first = await a.call.claim();
  if (first.kind !== "verify") throw new Error(first.kind);
  await helm.fenceShip(ID, "ship-0", "vm-ship-0", "gone");
  const second = await b.call.claim();
  if (second.kind !== "verify") throw new Error(second.kind);
  expect(second.epoch).toBeGreaterThan(first.epoch);
  const result = { epoch: second.epoch, commit: second.commit, exitCode: 0, output: "", seconds: 1 };
  expect((await b.call.raw("verified", result)).body).toEqual({ state: "verified" });
  await helm.registerVoyage(ID, { ...register, plan: makePlan({ "1": [] }, { verify: "true # again" }) });
  expect(await b.call.claim()).toMatchObject({ kind: "verify", script: "true # again" });
});

test("presence: connected while the stream is open, gone at once when it ends; a stop goes through it and is awaited", async () => {
  await sail({ "1": [] }, {}, { leaseSeconds: 60 });
  const { token } = await helm.registerShip(ID, "ship-0", "vm");
  expect(await helm.ship(ID, "ship-0")).toMatchObject({ state: "new", connected: false, hasWork: true });
  expect((await helm.shipReady(ID, "ship-0", "vm", 0.1)).met).toBe(false);
  const call = ship(captain.url, token, "vm");
  const ready = helm.shipReady(ID, "ship-0", "vm", 10);
  await call.hello();
  expect((await ready).met).toBe(true);
  const stream = await call.presence();
  const grant = await call.grant();
  expect(await helm.ship(ID, "ship-0")).toMatchObject({ state: "working", connected: true, task: "1", epoch: 1 });
  const stopped = helm.stopShip(ID, "ship-0", "vm", 10);
  expect(await stream.next()).toMatchObject({ type: "stop" });
  expect((await call.heartbeat({ task: "1", epoch: 1 })).body).toMatchObject({ steer: "stop" });
  await call.release(grant, false, "told to stop");
  expect(await call.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  stream.close();
  expect(await stopped).toMatchObject({ met: true, ship: { connected: false, state: "ended", task: null } });
  expect((await helm.stopShip(ID, "ship-7", "vm", 1)).met).toBe(true);
  // After another launch it may claim again.
  await helm.registerShip(ID, "ship-0", "vm");
  expect((await call.grant()).epoch).toBe(2);
});

test("a repeated request gets its first answer, also from a helm started in between", async () => {
  await sail({ "1": [], "2": [] }, {}, { leaseSeconds: 60 });
  const a = await come("ship-0");
  const first = await a.call.claim("request-one");
  process.kill((await helm.health()).pid, "SIGKILL");
  helm = await ensureHelm();
  expect(await a.call.claim("request-one")).toEqual(first);
  if (first.kind !== "grant") throw new Error(first.kind);
  expect((await a.call.hello()).claim).toEqual(first.grant);
  const released = await a.call.raw("release", {
    requestId: "request-two",
    task: first.grant.task.id,
    epoch: 1,
    reason: "x",
    failed: true,
  });
  await a.call.grant();
  expect(
    await a.call.raw("release", { requestId: "request-two", task: first.grant.task.id, epoch: 1, reason: "x", failed: true }),
  ).toEqual(released);
  expect((await helm.voyage(ID)).tasks.filter((task) => task.status === "claimed")).toHaveLength(1);
});

test("a check that failed, or was not run, is not accepted; other tokens, voyages and bodies are refused", async () => {
  await sail({ "1": [] }, { metadata: { "1": { check: "make test" } } });
  const a = await come("ship-0");
  const grant = await a.call.grant();
  expect(grant.check).toBe("make test");
  a.tree.reset(grant.tip);
  const commit = a.tree.commit({ f: "x" }, "T1");
  a.tree.push(commit, grant);
  for (const check of [null, { exitCode: 1, output: "no" }])
    expect(await a.call.accept(grant, commit, { check })).toMatchObject({ status: 409, body: { error: "check-failed" } });
  expect((await a.call.raw("claim", { incarnation: "another" })).body).toMatchObject({ error: "wrong-incarnation" });
  expect(await a.call.accept(grant, commit, { task: 7, epoch: "s3cret" })).toMatchObject({
    status: 400,
    body: {
      error: "bad-request",
      message: "the body of the call does not fit: task must be text in quotes, and is 7; epoch must be a number, and is text",
    },
  });
  expect((await ship(captain.url, "abc123.nonsense", "vm").raw("claim", {})).status).toBe(401);
  expect((await ship(captain.url, "", "vm").raw("claim", {})).status).toBe(401);
  expect(await a.call.accept(grant, commit, { check: { exitCode: 0, output: "" } })).toMatchObject({ status: 200 });
});

test("the task files are rebuilt from the ledger after a start; nothing decides from them", async () => {
  await sail({ "1": [], "2": ["1"] });
  const a = await come("ship-0");
  process.kill((await helm.health()).pid, "SIGKILL");
  rmSync(join(folder.tasks, "1.json"));
  writeFileSync(join(folder.tasks, "2.json"), JSON.stringify({ ...file("2"), status: "completed" }));
  writeFileSync(join(folder.tasks, "99.json"), "{}");
  helm = await ensureHelm();
  expect(readdirSync(folder.tasks).sort()).toEqual(["1.json", "2.json"]);
  expect(file("2").status).toBe("pending");
  expect((await a.call.grant()).task.id).toBe("1");
});

test("sunk: tokens die, the ledger stays, and the same voyage can sail on", async () => {
  const register = await sail({ "1": [], "2": [] });
  const a = await come("ship-0");
  await done(a);
  const keep = await makeVoyage(makeSource(captain.root), `${stack}-w`, makePlan({ "1": [] }));
  await helm.registerVoyage("ffffff", keep.register);
  await helm.deregisterVoyage(ID);
  await helm.deregisterVoyage(ID);
  expect((await a.call.raw("claim", {})).status).toBe(401);
  await expect(helm.voyage(ID)).rejects.toMatchObject({ code: "NO_VOYAGE" });
  expect(existsSync(folder.ledger)).toBe(true);
  expect(existsSync(folder.credentials)).toBe(false);
  await helm.registerVoyage(ID, register);
  expect((await helm.voyage(ID)).tasks.map((task) => task.status)).toEqual(["accepted", "pending"]);
});

test("two voyages at one helm do not meet", async () => {
  await sail({ "1": [] });
  const other = await makeVoyage(makeSource(captain.root), `${stack}-w`, makePlan({ "1": [] }));
  await helm.registerVoyage("bbbbbb", other.register);
  const a = await come("ship-0");
  const { token } = await helm.registerShip("bbbbbb", "ship-0", "vm-w");
  const w = ship(captain.url, token, "vm-w");
  expect((await a.call.grant()).task.id).toBe("1");
  expect((await w.grant()).task.id).toBe("1");
  expect((await w.hello()).voyage.stack).toBe(`${stack}-w`);
});
