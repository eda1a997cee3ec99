import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import type { PageVoyage } from "../../lib/watch/page-api.ts";
import type { StatusView } from "../../lib/watch/view.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage, ship } from "../support/helm-voyage.ts";
import { Browser, ensureBundle } from "../support/page.ts";

/** The page of a real helm, with ships that are but their calls. */
const ID = "abc123";
const identity = { voyageId: ID, stack: "quay", captainId: "0123456789ab", nonce: "n", createdAt: "2026-01-01T00:00:00.000Z" };
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let browser: Browser;
let folder: Awaited<ReturnType<typeof makeVoyage>>["folder"];
beforeEach(async () => {
  await ensureBundle();
  captain = await makeCaptain();
  helm = await ensureHelm();
  const plan = makePlan({ "1": [], "2": [], "3": ["1"] });
  const timing = { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 400, lingerSeconds: 5 };
  const provider = { kind: "harbor" as const, baseUrl: "http://127.0.0.1:9", token: "the-token-of-the-provider" };
  const voyage = await makeVoyage(makeSource(captain.root), "quay", plan, { hand: "claude", timing, provider });
  folder = voyage.folder;
  await helm.registerVoyage(ID, voyage.register);
  await writeVoyageIdentity(identity);
  const { url } = await helm.openPage({});
  browser = new Browser(Number(new URL(url).port));
  await browser.enter(url);
});
afterEach(async () => {
  await stopHelm();
  captain.remove();
});

async function come(name: string) {
  const { token } = await helm.registerShip(ID, name, name);
  const call = ship(captain.url, token, name);
  await call.hello();
  await call.raw("trial", { fit: true, message: "" });
  return { ...call, token };
}
const listed = async () => JSON.parse((await browser.get("/api/voyages")).body).voyages as PageVoyage[];
const said = async (reply: ReturnType<Browser["post"]>) => {
  const { status, body } = await reply;
  return { status, ...(JSON.parse(body) as { message: string; error?: string }) };
};

test("the stream has the list and the whole view first, and then only the rows that have changed; no secret is in it", async () => {
  const one = await come("ship-0");
  const stream = await browser.stream(ID);
  expect((await stream.next("hello")).build).toMatch(/^[0-9a-f]{64}$/);
  expect((await stream.next("voyages")).voyages).toMatchObject([{ id: ID, stack: "quay", name: "Test voyage", needsYou: 0 }]);
  const { view } = await stream.next("view");
  expect(view.taskRows.map(({ id, status }) => `${id} ${status}`)).toEqual(["1 pending", "2 pending", "3 pending"]);
  expect(JSON.stringify(view)).not.toContain("the-token-of-the-provider");
  expect(JSON.stringify(view)).not.toContain(one.token);

  const grant = await one.grant();
  const { taskRows, ships, set } = await stream.next("change", (change) => change.taskRows !== undefined);
  expect(taskRows).toEqual({ rows: [expect.objectContaining({ id: "1", status: "claimed", ship: "ship-0" })], gone: [] });
  expect(ships?.rows).toMatchObject([{ ship: "ship-0", state: "working" }]);
  expect(set).not.toHaveProperty("workspace");
  await one.raw("ask", { task: grant.task.id, epoch: grant.epoch, question: "Green?\u202e\u001b[31m" });
  const { set: asked } = await stream.next("change", (change) => (change.set?.attention as unknown[] | undefined)?.length === 1);
  expect((asked as unknown as StatusView).attention[0]).toMatchObject({ kind: "question", of: "1", detail: "Green?" });
  await stream.next("voyages", ({ voyages }) => voyages[0]!.needsYou === 1);
  stream.close();
});

test("orders do what the verbs do, and one that cannot be done says why, and leaves the words to the page", async () => {
  const one = await come("ship-0");
  const grant = await one.grant();
  await one.raw("ask", { task: "1", epoch: grant.epoch, question: "Which colour?" });
  const answer = { action: "answer", task: "1", epoch: grant.epoch, text: "Green" };
  expect(await said(browser.post(ID, { ...answer, epoch: 9 }))).toMatchObject({ status: 409, error: "NO_QUESTION" });
  expect(await said(browser.post(ID, answer))).toMatchObject({
    status: 200,
    message: expect.stringMatching(/^answered: task 1/),
  });
  expect(await said(browser.post(ID, answer))).toMatchObject({ status: 409, error: "NO_QUESTION" });
  expect((await one.grant()).answers).toEqual([{ question: "Which colour?", answer: "Green" }]);

  expect(await said(browser.post(ID, { action: "retry", task: "1" }))).toMatchObject({ status: 409, error: "TASK_STATUS" });
  expect(await said(browser.post(ID, { action: "retry", task: "9" }))).toMatchObject({ status: 404, error: "NO_TASK" });
  expect(await said(browser.post(ID, { action: "verify" }))).toMatchObject({ status: 409, error: "VERIFY_STATUS" });
  expect(await said(browser.post(ID, { action: "lift-limits" }))).toMatchObject({ error: "NO_LIMIT" });
  expect(await said(browser.post(ID, { action: "pause" }))).toMatchObject({ status: 200 });
  expect((await helm.voyage(ID)).state).toBe("paused");
  expect(await said(browser.post(ID, { action: "resume" }))).toMatchObject({ status: 200 });
  expect(await said(browser.post(ID, { action: "budget", usd: 80 }))).toMatchObject({
    message: "quay may spend up to $80.00, of which $0.00 is spent; it is sailing",
  });
  expect(await said(browser.post(ID, { action: "release", task: "1", reason: "it runs in circles" }))).toMatchObject({
    message: expect.stringMatching(/^task 1 is pending again.*ship-0 is fenced/),
  });
  expect((await helm.voyage(ID)).ships[0]!.state).toBe("fenced");
  expect(await said(browser.post(ID, { action: "sink" }))).toMatchObject({ status: 409, error: "NOT_FROM_HERE" });
  expect(await said(browser.post("dddddd", { action: "pause" }))).toMatchObject({ status: 404, error: "NO_VOYAGE" });
});

test("after a SIGKILL the page is where it was, the browser still known, and a stream begins anew with the whole view", async () => {
  const stream = await browser.stream(ID);
  await stream.next("view");
  process.kill((await helm.health()).pid, "SIGKILL");
  await expect(stream.next("change", () => false)).rejects.toThrow("the stream has ended");
  await ensureHelm();
  const again = await browser.stream(ID);
  expect((await again.next("view")).view.taskRows).toHaveLength(3);
  again.close();
});

test("a voyage that has sunk is still seen, with its events; and the helm stays for the page when no voyage is left", async () => {
  await come("ship-0").then((one) => one.grant());
  const stream = await browser.stream(ID);
  await stream.next("view");
  const { pid } = await helm.health();
  await helm.deregisterVoyage(ID);
  await writeVoyageIdentity({ ...identity, sunkAt: "2026-01-02T00:00:00.000Z" });
  await stream.next("voyages", ({ voyages }) => voyages[0]?.state === "sunk");
  stream.close();
  expect((await helm.health()).pid).toBe(pid);
  expect(await listed()).toMatchObject([{ id: ID, state: "sunk", sunkAt: "2026-01-02T00:00:00.000Z", tasks: { total: 3 } }]);
  const view = JSON.parse((await browser.get(`/api/voyages/${ID}`)).body);
  expect(view).toMatchObject({ state: "sunk", from: "files", sinking: { fromHere: false, run: null } });
  const page = async (query: string) => JSON.parse((await browser.get(`/api/voyages/${ID}/events?${query}`)).body);
  const newest = await page("limit=2");
  expect(newest.events.map(({ seq }: { seq: number }) => seq)).toEqual([newest.last - 1, newest.last]);
  expect(newest.events[1].kind).toBe("voyage-deregistered");
  const first = await page("after=0&limit=1");
  expect(first.events).toMatchObject([{ seq: 1, kind: "voyage-registered" }]);
  const before = await page(`before=${newest.last - 1}&limit=3`);
  expect(before.events.at(-1).seq).toBe(newest.last - 2);
  expect(await page("before=1")).toMatchObject({ events: [] });
  expect((await browser.get(`/api/voyages/${ID}/events?limit=x`)).status).toBe(400);
});

test("logs: the newest lines, those of a ship, a task or with a word; then what has come since, each line once", async () => {
  const logs = folder.shipLogs("ship-0", "vm-1");
  mkdirSync(logs, { recursive: true });
  const journal = (at: string, event: string, text: string) => `${JSON.stringify({ at, event, text, task: "1", epoch: 1 })}\n`;
  const supervisor = join(logs, "supervisor.jsonl");
  writeFileSync(supervisor, journal("2026-01-01T00:00:00.000Z", "claimed", "task 1"));
  writeFileSync(join(logs, "task-1-1.log"), "one\ntwo\u001b[2J\nthree\n");
  const ask = async (query: string) => JSON.parse((await browser.get(`/api/voyages/${ID}/logs?${query}`)).body);
  const first = await ask("lines=2");
  expect(first.lines.map(({ text }: { text: string }) => text)).toEqual(["two", "three"]);
  expect(first.truncated).toBe(true);
  writeFileSync(join(logs, "task-1-1.log"), "one\ntwo\u001b[2J\nthree\nfour\n");
  expect((await ask(`cursor=${first.cursor}`)).lines).toMatchObject([{ text: "four", task: "1", source: "task-1-1" }]);
  expect((await ask(`cursor=${first.cursor}`)).lines).toEqual([]);
  expect((await ask("text=TWO&ship=ship-0")).lines).toHaveLength(1);
  expect((await ask("task=2")).lines).toEqual([]);
  expect((await ask("ship=..")).lines).toEqual([]);
  expect((await browser.get(`/api/voyages/${ID}/logs?cursor=x`)).status).toBe(410);
  expect((await browser.get("/api/voyages/..%2f..%2fquay/logs")).status).toBe(404);
});
