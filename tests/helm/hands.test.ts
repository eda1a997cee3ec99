import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import type { LimitedReply, Usage } from "../../lib/protocol/ship-reports.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage, ship, startLastingHelm } from "../support/helm-voyage.ts";

/** These tests are of the calls that only the hand `claude` makes. */
/** Each test has a voyage of its own, all at one helm. */
let number = 0;
let ID = "";
const USED: Usage = {
  costUsd: 0.5,
  inputTokens: 10,
  outputTokens: 20,
  cacheReadTokens: 30,
  cacheCreationTokens: 40,
  turns: 2,
  seconds: 1.5,
};
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let register: Parameters<HelmClient["registerVoyage"]>[1];
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await startLastingHelm(captain);
});
beforeEach(async () => {
  ID = `abc12${++number}`;
  const plan = makePlan(
    { "1": [], "2": [], "3": [] },
    { metadata: { "2": { claude: { model: "haiku", budgetUsd: 2 }, tries: 1 } } },
  );
  // Without a model: the helm names the default to ships.
  const claude = { maxTurns: 7 };
  const timing = { leaseSeconds: 60, heartbeatSeconds: 5, fenceSeconds: 45, lingerSeconds: 5 };
  ({ register } = await makeVoyage(makeSource(captain.root), `v${number}`, { ...plan, claude }, { hand: "claude", timing }));
  await helm.registerVoyage(ID, register);
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

async function come(name: string, incarnation = `vm-${name}`) {
  const call = await board(name, incarnation);
  await call.raw("trial", { fit: true, message: "" });
  return call;
}
/** Registers a ship, which says hello. Its hand has not been on trial yet. */
async function board(name: string, incarnation = `vm-${name}`) {
  const { token } = await helm.registerShip(ID, name, incarnation);
  const call = ship(captain.url, token, incarnation);
  await call.hello();
  return call;
}

test("a grant's time is the task's, else the plan's, else half an hour; another one in the plan counts at the next grant", async () => {
  const { plan } = register;
  const tasks = plan.tasks.map((task) =>
    task.id === "2" ? { ...task, metadata: { ...task.metadata, timeoutSeconds: 5 } } : task,
  );
  const sail = (more: object) => helm.registerVoyage(ID, { ...register, plan: { ...plan, tasks, ...more } });
  await sail({ timeoutSeconds: 7200 });
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const [one, two] = [await a.grant(), await b.grant()];
  expect([one, two].map(({ task, timeoutSeconds }) => [task.id, timeoutSeconds])).toEqual([
    ["1", 7200],
    ["2", 5],
  ]);
  await b.release(two, false);
  await sail({ timeoutSeconds: 600 });
  await a.release(one, false);
  expect(await a.grant()).toMatchObject({ task: { id: "1" }, timeoutSeconds: 600 });
  await sail({});
  expect(await (await come("ship-2")).grant()).toMatchObject({ timeoutSeconds: 5 });
  expect(await (await come("ship-3")).grant()).toMatchObject({ task: { id: "3" }, timeoutSeconds: 1800 });
});

const held = (grant: Grant) => ({ task: grant.task.id, epoch: grant.epoch });
const row = async (id: string) => (await helm.voyage(ID)).tasks.find((task) => task.id === id)!;

test("a grant tells the spec, the plan's settings with the task's over them, and the session of an earlier crew; also after the helm was killed", async () => {
  const call = await come("ship-0");
  const one = await call.grant();
  expect(one).toMatchObject({ spec: "# Spec", hand: { model: "opus", maxTurns: 7 } });
  expect(one.session).toBeUndefined();
  const [first, second] = [randomUUID(), randomUUID()];
  expect((await call.raw("session", { ...held(one), session: first })).status).toBe(200);
  expect((await call.raw("session", { ...held(one), session: second })).status).toBe(200);
  process.kill((await helm.health()).pid, "SIGKILL");
  await ensureHelm();
  expect((await call.hello()).claim).toMatchObject({ session: second, spec: "# Spec" });
  await call.release(one, false);
  const other = await (await come("ship-1")).grant();
  expect(other.session, "another claim has no session").toBeUndefined();
  expect((await (await come("ship-2")).grant()).hand).toEqual({ model: "haiku", maxTurns: 7, budgetUsd: 2 });
});

test("a hand that is not proven gets no task; the helm asks for the trial with the plan's settings, until it is told; each launch anew", async () => {
  const call = await board("ship-0");
  const beat = async () => (await call.raw("heartbeat", { claim: null })).body;
  expect(await call.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  expect(await beat()).toEqual({ steer: "go", trial: { model: "opus", maxTurns: 7 } });
  expect((await helm.shipReady(ID, "ship-0", "vm-ship-0", 0)).met).toBe(false);
  const ready = helm.shipReady(ID, "ship-0", "vm-ship-0", 20);
  await call.raw("trial", { fit: true, message: "" });
  expect((await ready).met).toBe(true);
  expect(await beat()).toEqual({ steer: "go" });
  expect((await call.claim()).kind).toBe("grant");
  const { token } = await helm.registerShip(ID, "ship-0", "vm-ship-0");
  expect(token).toBeTruthy();
  expect((await helm.shipReady(ID, "ship-0", "vm-ship-0", 0)).met, "this launch has proven nothing yet").toBe(false);
  expect(await beat()).toMatchObject({ trial: {} });
  expect((await call.claim()).kind, "a claim that is held goes on").toBe("grant");
});

test("a trial that failed: whoever waits for the ship is told why at once, and the ship stays without a task until it is launched again", async () => {
  const call = await board("ship-0");
  const started = Date.now();
  const ready = helm.shipReady(ID, "ship-0", "vm-ship-0", 60);
  await call.raw("trial", { fit: false, message: "Invalid API key" });
  expect(await ready).toMatchObject({ met: false, ship: { unfit: "Invalid API key" } });
  expect(Date.now() - started).toBeLessThan(30_000);
  expect(await call.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  process.kill((await helm.health()).pid, "SIGKILL");
  await ensureHelm();
  expect((await helm.ship(ID, "ship-0")).unfit).toBe("Invalid API key");
  expect((await (await come("ship-0")).claim()).kind).toBe("grant");
  expect((await helm.ship(ID, "ship-0")).unfit).toBeUndefined();
});

test("a session is stored for a claim that is held, and for no other", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const grant = await a.grant();
  expect(await b.raw("session", { ...held(grant), session: randomUUID() })).toMatchObject({ status: 409 });
  expect(await a.raw("session", { ...held(grant), epoch: 9, session: randomUUID() })).toMatchObject({ status: 409 });
});

test("usage adds up over runs; it is taken after the claim has ended, and not from another ship", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const grant = await a.grant();
  const session = randomUUID();
  await a.raw("session", { ...held(grant), session });
  const tell = (call: typeof a, run: string, usage: Usage) => call.raw("usage", { ...held(grant), session, run, usage });
  const run = randomUUID();
  expect((await tell(a, run, USED)).status).toBe(200);
  expect((await tell(a, run, USED)).status, "the same run told twice counts once").toBe(200);
  await a.release(grant, false);
  expect((await tell(a, randomUUID(), { ...USED, costUsd: 0.75 })).status).toBe(200);
  expect(await tell(b, randomUUID(), USED)).toMatchObject({ status: 409, body: { error: "not-holder" } });
  expect((await row(grant.task.id)).usage).toEqual({
    costUsd: 1.25,
    basis: "reported",
    inputTokens: 20,
    outputTokens: 40,
    cacheReadTokens: 60,
    cacheCreationTokens: 80,
    turns: 4,
    seconds: 3,
  });
  expect((await row("3")).usage).toBeUndefined();
});

test("a usage limit holds all ships, the latest end counts, and the next launch tries again", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const grant = await a.grant();
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const late = at(60_000);
  expect((await a.raw("limited", { until: late, message: "resets 3pm" })).body).toEqual({ until: late });
  expect(((await b.raw("limited", { until: at(1000), message: "sooner" })).body as LimitedReply).until).toBe(late);
  expect(await b.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  expect((await a.heartbeat()).body).toEqual({ steer: "go", limitedUntil: late });
  expect((await a.claim()).kind, "a claim that is held goes on").toBe("grant");
  const status = await helm.voyage(ID);
  expect(status).toMatchObject({ state: "limited", limited: { until: late, message: "resets 3pm" } });
  expect(status.ships[1]!.hasWork, "a crew that ended meanwhile is no drift").toBe(false);
  process.kill((await helm.health()).pid, "SIGKILL");
  await ensureHelm();
  expect(await b.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  await come("ship-1");
  expect((await helm.voyage(ID)).limited).toBeUndefined();
  expect((await a.heartbeat()).body).toEqual({ steer: "go" });
  expect((await a.release(grant, false)).status).toBe(200);
  // That a limit is over with its time is shown where the test moves the clock (tests/helm/limits.test.ts).
  expect(
    Date.parse(((await a.raw("limited", { until: at(1e11), message: "for ever" })).body as LimitedReply).until),
  ).toBeLessThan(Date.now() + 9 * 24 * 3600_000);
});

test("a question blocks its task without a try, frees the ship, and goes with its answer into the next grant", async () => {
  const call = await come("ship-0");
  const grant = await call.grant();
  const requestId = randomUUID();
  const ask = () => call.raw("ask", { ...held(grant), requestId, question: "Red or green?" });
  expect((await ask()).body).toEqual({ status: "blocked", tries: 0 });
  expect((await ask()).body, "the same request, the same answer").toEqual({ status: "blocked", tries: 0 });
  expect(await row("1")).toMatchObject({
    status: "blocked",
    question: "Red or green?",
    askedBy: "ship-0",
    reason: "needs the captain: Red or green?",
  });
  expect((await helm.voyage(ID)).state).toBe("needs-captain");
  await expect(helm.answerTask(ID, "2", "Blue")).rejects.toMatchObject({ code: "NO_QUESTION" });
  expect((await call.grant()).task.id).toBe("2");
  expect(await helm.answerTask(ID, "1", "Green")).toMatchObject({ status: "pending" });
  expect((await row("1")).question).toBeUndefined();
  expect((await helm.voyage(ID)).state).toBe("sailing");
  const again = await (await come("ship-1")).grant();
  expect(again).toMatchObject({ task: { id: "1" }, epoch: 2, answers: [{ question: "Red or green?", answer: "Green" }] });
});
