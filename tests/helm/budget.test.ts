import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Ledger } from "../../helm/ledger/ledger.ts";
import { spendOf, usageOf } from "../../helm/ledger/spend.ts";
import { Store } from "../../helm/ledger/store.ts";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import type { Usage } from "../../lib/protocol/ship-reports.ts";
import { readTaskRows, spendOfTasks } from "../../lib/voyage/task-files.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";

/** How the ledger adds up what is spent, and what it does when a budget is spent. */
const used = (costUsd: number): Usage => ({
  costUsd,
  inputTokens: 10,
  outputTokens: 20,
  cacheReadTokens: 30,
  cacheCreationTokens: 40,
  turns: 2,
  seconds: 1.5,
});
let ID = "";
let count = 0;
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let folder: VoyageFolder;
let register: Parameters<HelmClient["registerVoyage"]>[1];
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await ensureHelm();
});
/** Each test has a voyage of its own. */
beforeEach(async () => {
  ID = `abc10${(count++).toString(16)}`;
  const plan = makePlan({ "1": [], "2": [], "3": [], "4": [] }, { metadata: { "1": { claude: { budgetUsd: 2 }, tries: 9 } } });
  const timing = { leaseSeconds: 60, heartbeatSeconds: 5, fenceSeconds: 45, lingerSeconds: 5 };
  const more = { hand: "claude" as const, timing };
  ({ register, folder } = await makeVoyage(makeSource(captain.root), `v${count}`, plan, more));
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

async function come(name: string, incarnation = `vm-${name}`) {
  const { token } = await helm.registerShip(ID, name, incarnation);
  const call = ship(captain.url, token, incarnation);
  await call.hello();
  await call.raw("trial", { fit: true, message: "" });
  return {
    ...call,
    token,
    async begin(grant: Grant) {
      const session = randomUUID();
      await call.raw("session", { task: grant.task.id, epoch: grant.epoch, session });
      return (costUsd: number, more: { run?: string; growing?: boolean } = {}) =>
        call.raw("usage", {
          task: grant.task.id,
          epoch: grant.epoch,
          session,
          run: more.run ?? randomUUID(),
          usage: used(costUsd),
          ...(more.growing && { growing: true }),
        });
    },
  };
}
const row = async (id: string) => (await helm.voyage(ID)).tasks.find((task) => task.id === id)!;
const cents = (value: number | undefined) => Math.round((value ?? 0) * 100);

test("a run's words count once, the most of them, in whatever order they come; and spend is told by task, ship and voyage", async () => {
  await helm.registerVoyage(ID, register);
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const [one, two] = [await a.begin(await a.grant()), await b.begin(await b.grant())];
  const run = randomUUID();
  expect((await one(0.25, { run, growing: true })).body).toEqual({ steer: "go" });
  await one(0.75, { run });
  await one(0.5, { run, growing: true });
  await two(0.1);
  const { tasks, spend } = await helm.voyage(ID);
  expect(tasks.slice(0, 2).map((task) => cents(task.usage?.costUsd))).toEqual([75, 10]);
  expect(tasks[0]!.budgetUsd).toBe(2);
  expect(cents(spend.costUsd)).toBe(85);
  expect(spend).toMatchObject({ inputTokens: 20, turns: 4, budgetUsd: null });
  expect(Object.entries(spend.byShip!).map(([name, usage]) => [name, cents(usage.costUsd)])).toEqual([
    ["ship-0", 75],
    ["ship-1", 10],
  ]);
});

test("a run of no task counts for ship and voyage; also of a ship that is fenced, or gone; nobody overwrites another's run", async () => {
  await helm.registerVoyage(ID, { ...register, budgetUsd: 10 });
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const trial = { session: randomUUID(), run: randomUUID(), usage: used(0.2) };
  expect(await a.raw("usage", trial)).toMatchObject({ status: 200, body: { steer: "go" } });
  expect((await a.raw("usage", { ...trial, task: "1" })).status, "a task without its epoch").toBe(400);
  expect((await b.raw("usage", { ...trial, usage: used(5) })).status).toBe(200);
  expect(cents((await helm.voyage(ID)).spend.costUsd)).toBe(20);
  await helm.fenceShip(ID, "ship-0", "vm-ship-0", "silent");
  expect((await a.raw("usage", { ...trial, usage: used(0.3) })).status).toBe(200);
  expect((await a.heartbeat()).status).toBe(409);
  await helm.forgetShip(ID, "ship-0");
  const { spend, tasks } = await helm.voyage(ID);
  expect([cents(spend.costUsd), cents(spend.byShip!["ship-0"]?.costUsd), spend.budgetUsd]).toEqual([30, 30, 10]);
  expect(tasks.every((task) => !task.usage)).toBe(true);
});

test("each sum says where its cost is known from, by what runs tell of models: the least certain part counts; a run's result settles it", async () => {
  await helm.registerVoyage(ID, register);
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const { inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens } = used(0);
  const of = (model: string, basis: string, costUsd: number) => ({
    ...{ model, basis, costUsd, inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens },
  });
  const tell = async (call: typeof a, run: string, models: object[], growing: boolean) => {
    const { task, epoch } = (await call.hello()).claim ?? (await call.grant());
    const session = run;
    await call.raw("session", { task: task.id, epoch, session });
    const held = { task: task.id, epoch, session, run };
    return call.raw("usage", { ...held, usage: { ...used(1), models }, ...(growing && { growing }) });
  };
  const bases = async () => {
    const { tasks, spend } = await helm.voyage(ID);
    return [tasks[0]!.usage?.basis, tasks[1]!.usage?.basis, spend.byShip!["ship-0"]?.basis, spend.basis];
  };
  expect(await bases(), "nothing is spent").toEqual([undefined, undefined, undefined, undefined]);
  const [one, two] = [randomUUID(), randomUUID()];
  await tell(a, one, [of("claude-opus-5-5", "reported", 0.5), of("qwen3", "unknown", 0.5)], true);
  expect(await bases()).toEqual(["unknown", undefined, "unknown", "unknown"]);
  await tell(a, one, [of("claude-opus-5-5", "reported", 0.5), of("qwen3", "derived", 0.5)], false);
  await tell(b, two, [of("claude-opus-5-5", "reported", 1)], false);
  expect(await bases()).toEqual(["derived", "reported", "derived", "derived"]);
  const many = Array.from({ length: 15 }, (_, index) => of(`model-${index}`, "reported", 0));
  await tell(b, two, many, true);
  await tell(
    b,
    two,
    many.map((each) => ({ ...each, model: `other-${each.model}` })),
    true,
  );
  const ledger = new DatabaseSync(folder.ledger, { readOnly: true });
  const { n } = ledger.prepare("SELECT count(*) AS n FROM run_models WHERE run = ?").get(two) as { n: number };
  ledger.close();
  expect(n, "a ship must not fill the ledger with names").toBe(20);
  expect((await tell(b, two, [of("bad name", "reported", 1)], true)).status).toBe(400);
  expect((await tell(b, two, [of("x", "free", 1)], true)).status).toBe(400);
});

test("the plan's prices go to ships with each grant, and with the trial; taken out of the plan they are gone", async () => {
  const prices = { qwen3: { input: 1, output: 2 } };
  await helm.registerVoyage(ID, { ...register, plan: { ...register.plan, prices } });
  const { token } = await helm.registerShip(ID, "ship-0", "vm");
  const call = ship(captain.url, token, "vm");
  expect((await call.hello()).trial).toMatchObject({ model: "opus", prices });
  await call.raw("trial", { fit: true, message: "" });
  expect((await call.grant()).hand).toMatchObject({ model: "opus", budgetUsd: 2, prices });
  await helm.registerVoyage(ID, register);
  expect((await call.hello()).claim?.hand).not.toHaveProperty("prices");
});

test("the task files say what tasks have used, once a run is over, and the files alone add it up", async () => {
  await helm.registerVoyage(ID, register);
  const call = await come("ship-0");
  const tell = await call.begin(await call.grant());
  const run = randomUUID();
  await tell(0.25, { run, growing: true });
  const onFile = async () => JSON.parse(await readFile(join(folder.tasks, "1.json"), "utf8")).metadata.ocaptain.usage;
  expect(await onFile(), "each sync would have to carry it").toBeUndefined();
  await tell(0.5, { run });
  const told = { ...used(0.5), basis: "reported" };
  expect(await onFile()).toEqual(told);
  expect(spendOfTasks(await readTaskRows(folder))).toEqual({ ...told, budgetUsd: null, byShip: null });
  expect(spendOfTasks([])).toBeNull();
});

test("a task's budget counts over all its runs: each grant has what is left, and at nothing it is blocked rather than granted", async () => {
  await helm.registerVoyage(ID, register);
  const call = await come("ship-0");
  const first = await call.grant();
  expect(first.hand?.budgetUsd).toBe(2);
  await (await call.begin(first))(1.25);
  await call.release(first, true, "the check failed");
  const second = await call.grant();
  expect([second.task.id, second.hand?.budgetUsd]).toEqual(["1", 0.75]);
  await (await call.begin(second))(0.8);
  expect((await call.release(second, false, "stopped at its bound")).body).toEqual({ status: "blocked", tries: 1 });
  expect(await row("1")).toMatchObject({
    status: "blocked",
    reason: "its budget of $2.00 is spent: $2.05 in 2 runs; its last run: stopped at its bound",
  });
  expect((await call.grant()).task.id).toBe("2");
  await expect(helm.retryTask(ID, "1")).rejects.toMatchObject({ code: "BUDGET", hint: expect.stringContaining("tasks/1.json") });
  const raised = makePlan({ "1": [], "2": [], "3": [], "4": [] }, { metadata: { "1": { claude: { budgetUsd: 3 } } } });
  await helm.registerVoyage(ID, { ...register, plan: raised });
  expect(await row("1")).toMatchObject({ status: "pending", budgetUsd: 3 });
});

test("a budget that was spent by a word after the release holds, too; the plan's counts for each task", async () => {
  await helm.registerVoyage(ID, { ...register, plan: { ...register.plan, claude: { budgetUsd: 1 } } });
  const call = await come("ship-0");
  const one = await call.grant();
  await call.release(one, false);
  const two = await call.grant();
  expect(two.task.id, "the same again, as it is the first").toBe("1");
  await call.release(two, false);
  await (await come("ship-1")).grant();
  const other = await call.grant();
  expect([other.task.id, other.hand?.budgetUsd]).toEqual(["2", 1]);
  const late = await call.begin(other);
  await call.release(other, false);
  await late(1);
  expect(await row("2"), "said at once").toMatchObject({ status: "blocked" });
  expect((await call.grant()).task.id).toBe("3");
});

test("the voyage's budget: no new grant, hands are told to end, what is done is accepted; raised, it goes on, also after the helm was killed", async () => {
  await helm.registerVoyage(ID, { ...register, budgetUsd: 1 });
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const [one, two] = [await a.grant(), await b.grant()];
  expect([one.hand?.budgetUsd, two.hand?.budgetUsd], "the less of the task's and the voyage's").toEqual([1, 1]);
  const tell = await a.begin(one);
  expect((await tell(0.99, { growing: true })).body).toEqual({ steer: "go" });
  const told = { steer: "budget", reason: "the voyage's budget of $1.00 is spent: $2.01" };
  expect((await tell(1.02, { growing: true })).body).toEqual(told);
  expect((await b.heartbeat({ task: "2", epoch: 1 })).body).toEqual(told);
  expect((await b.claim()).kind, "a claim that is held is told again, with nothing left").toBe("grant");
  expect((await b.hello()).claim?.hand?.budgetUsd).toBe(0);
  expect((await b.release(two, false, "spent")).body).toEqual({ status: "pending", tries: 0 });
  expect(await b.claim()).toMatchObject({ kind: "nothing", reason: "paused" });

  const tree = makeTree(captain.root, captain.url, ID, "ship-0", a.token);
  tree.reset(one.tip);
  const commit = tree.commit({ "1.txt": "done\n" }, "Task 1");
  tree.push(commit, one);
  expect(await a.accepted(one, commit)).toMatchObject({ kind: "accepted" });
  expect(await a.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  const status = await helm.voyage(ID);
  expect(status).toMatchObject({ state: "budget", spend: { budgetUsd: 1 } });
  expect(
    status.ships.map((each) => each.hasWork),
    "crews that end now are no drift",
  ).toEqual([false, false]);

  process.kill((await helm.health()).pid, "SIGKILL");
  await ensureHelm();
  expect(await b.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  await helm.registerVoyage(ID, { ...register, budgetUsd: 5 });
  expect((await helm.voyage(ID)).state).toBe("sailing");
  expect((await b.grant()).hand?.budgetUsd).toBe(2.99);
  await helm.registerVoyage(ID, register);
  expect((await a.grant()).hand?.budgetUsd, "no budget, no bound").toBeUndefined();
});

test("the captain's word for the budget goes on at once, holds over an up and a restart, and until the configured one changes", async () => {
  await helm.registerVoyage(ID, { ...register, budgetUsd: 1 });
  const a = await come("ship-0");
  const one = await a.grant();
  await (await a.begin(one))(2);
  await a.release(one, false);
  expect(await a.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  expect(await helm.setBudget(ID, 5)).toMatchObject({ state: "sailing", spend: { budgetUsd: 5, configuredUsd: 1 } });
  process.kill((await helm.health()).pid, "SIGKILL");
  await ensureHelm();
  await helm.registerVoyage(ID, { ...register, budgetUsd: 1 });
  expect((await helm.voyage(ID)).spend).toMatchObject({ budgetUsd: 5, configuredUsd: 1 });
  // A task's own budget, of $2.00, is spent.
  expect((await a.grant()).hand?.budgetUsd).toBe(3);
  await helm.setBudget(ID, null);
  expect(await helm.voyage(ID)).toMatchObject({ state: "budget", spend: { budgetUsd: 1 } });
  expect((await helm.voyage(ID)).spend).not.toHaveProperty("configuredUsd");
  await helm.setBudget(ID, 5);
  await helm.registerVoyage(ID, { ...register, budgetUsd: 4 });
  expect((await helm.voyage(ID)).spend.budgetUsd).toBe(4);
  await helm.registerVoyage(ID, { ...register, budgetUsd: 1 });
  expect((await helm.voyage(ID)).spend.budgetUsd, "a word that has ended does not come back").toBe(1);
  const { events } = await helm.events(ID);
  expect(events.filter(({ kind }) => kind === "budget-changed").map(({ data }) => [data?.fromUsd, data?.toUsd])).toEqual(
    [1, 5, 1, 5, 4, 1].slice(1).map((to, index) => [[1, 5, 1, 5, 4][index], to]),
  );
  await helm.registerVoyage(ID, { ...register, hand: "rehearsal" });
  await expect(helm.setBudget(ID, 5)).rejects.toMatchObject({ code: "NO_BUDGET" });
});

test("verification needs no model: it goes on when the budget is spent; and another hand has no budget", async () => {
  const plan = makePlan({ "1": [] }, { verify: "exit 0" });
  await helm.registerVoyage(ID, { ...register, plan, budgetUsd: 1 });
  const call = await come("ship-0");
  const grant = await call.grant();
  await (await call.begin(grant))(3);
  await call.release(grant, false);
  expect((await call.claim()).kind).toBe("nothing");
  await helm.registerVoyage(ID, { ...register, plan, budgetUsd: 1, hand: "rehearsal" });
  expect(await helm.voyage(ID)).toMatchObject({ state: "sailing", spend: { budgetUsd: null } });
  const rehearsed = await call.grant();
  await helm.registerVoyage(ID, { ...register, plan, budgetUsd: 1 });
  expect((await helm.voyage(ID)).state).toBe("budget");
  const tree = makeTree(captain.root, captain.url, ID, "ship-0", call.token);
  tree.reset(rehearsed.tip);
  const commit = tree.commit({ "1.txt": "done\n" }, "Task 1");
  tree.push(commit, rehearsed);
  await call.accepted(rehearsed, commit);
  expect((await call.claim()).kind).toBe("verify");
  expect((await helm.voyage(ID)).state).toBe("verifying");
});

test("every ship lost or fenced is a lost voyage; none there, a stalled one", async () => {
  await helm.registerVoyage(ID, register);
  const calls = [await come("ship-0"), await come("ship-1")];
  for (const call of calls) await call.claim();
  expect((await helm.voyage(ID)).state).toBe("sailing");
  for (const name of ["ship-0", "ship-1"]) await helm.fenceShip(ID, name, `vm-${name}`, "gone");
  expect((await helm.voyage(ID)).state).toBe("lost");
  for (const name of ["ship-0", "ship-1"]) await helm.forgetShip(ID, name);
  expect((await helm.voyage(ID)).state).toBe("stalled");
});

/** The table of runs as the first ledgers with the hand `claude` had it. */
const EARLIER = `CREATE TABLE runs(
  run TEXT PRIMARY KEY, session TEXT NOT NULL, task TEXT NOT NULL, life INTEGER NOT NULL, at TEXT NOT NULL, session_cost_usd REAL NOT NULL,
  input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_creation INTEGER NOT NULL, turns INTEGER NOT NULL,
  seconds REAL NOT NULL
) STRICT;
CREATE INDEX runs_of_task ON runs(task);`;

test("a ledger whose runs told their session's cost opens, and says the same: a task's is the sum of its sessions' highest", () => {
  const run = fc.record({ session: fc.constantFrom("a", "b", "c"), cents: fc.nat(500) });
  let files = 0;
  fc.assert(
    fc.property(fc.array(run, { maxLength: 12 }), (runs) => {
      const file = join(captain.root, `${files++}.sqlite`);
      const before = new DatabaseSync(file);
      before.exec(`PRAGMA synchronous=off; ${EARLIER}`);
      const insert = before.prepare("INSERT INTO runs VALUES (?, ?, '7', 1, ?, ?, 1, 2, 3, 4, 5, 6)");
      for (const [index, { session, cents }] of runs.entries())
        insert.run(String(index), session, `2026-11-23T10:00:${10 + (index >> 1)}Z`, cents / 100);
      before.close();
      for (const opening of [1, 2]) {
        const ledger = new Ledger(new Store(file, { sync: "off" }), () => 0);
        const highest = ["a", "b", "c"].map((name) => Math.max(0, ...runs.filter((r) => r.session === name).map((r) => r.cents)));
        const wanted = highest.reduce((all, each) => all + each, 0);
        expect(cents(usageOf(ledger, "7")?.costUsd), `opened ${opening}`).toBe(wanted);
        expect(spendOf(ledger)).toMatchObject({ inputTokens: runs.length, cacheCreationTokens: 4 * runs.length });
        ledger.close();
      }
    }),
    { numRuns: 20 },
  );
});
