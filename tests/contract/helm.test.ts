import { once } from "node:events";
import { readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { readSailedPlan } from "../../lib/plan/sailed-plan.ts";
import { readSigning } from "../../lib/voyage/author.ts";
import { ship } from "../support/helm-voyage.ts";
import { ocaptain } from "../support/ocaptain.ts";
import { taskCounts } from "../support/task-counts.ts";
import type { Props } from "../support/voyage/resource.ts";
import { type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

let quay: OpenVoyage;
let outs: Props;
beforeAll(async () => {
  quay = await openVoyage([{ id: "1" }, { id: "2" }, { id: "3" }, { id: "4", after: ["1"] }]);
  await quay.workspace.create();
});
beforeEach(async () => {
  await quay.keep(quay.plan);
  outs = await quay.helm.create();
});
afterAll(() => quay.close());

const tasks = async () => Object.fromEntries((await helmClient().voyage(quay.voyageId)).tasks.map((task) => [task.id, task]));
/** Registers a ship that has a claim, as the helm sees it. */
async function claiming(name: string) {
  const { token } = await helmClient().registerShip(quay.voyageId, name, `${name}-life`);
  const call = ship(String(outs.url), token, `${name}-life`);
  await call.hello();
  return { token, grant: await call.grant() };
}

test("registered: the helm runs, its ledger holds the plan, the task files show it, the credentials are the captain's alone", async () => {
  expect(outs).toMatchObject({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
  expect((await helmClient().health()).voyages).toEqual([quay.voyageId]);
  expect(Object.keys(await tasks())).toEqual(["1", "2", "3", "4"]);
  expect(await taskCounts(quay.folder)).toMatchObject({ total: 4, pending: 4 });
  expect((await stat(quay.folder.credentials)).mode & 0o777).toBe(0o600);
});

test("created again, and read: the same helm, no change", async () => {
  const { pid } = await helmClient().health();
  expect(await quay.helm.create()).toEqual(outs);
  const seen = await quay.helm.read(outs);
  expect(seen).toEqual(outs);
  expect((await quay.helm.diff(seen!)).changes).toBe(false);
  expect((await helmClient().health()).pid).toBe(pid);
});

test("the helm dead at read: not there, which up mends; and a read starts no helm", async () => {
  await quay.killHelm();
  const seen = await quay.helm.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  await expect(helmClient().health()).rejects.toMatchObject({ code: "HELM_DOWN" });
  expect((await quay.helm.diff(seen!)).changes).toBe(true);
  expect(await quay.helm.update(seen!)).toEqual(outs);
  expect((await helmClient().health()).voyages).toEqual([quay.voyageId]);
});

test("deregistered behind our back: not there for read, registered again by up with its ledger", async () => {
  await helmClient().deregisterVoyage(quay.voyageId);
  const seen = await quay.helm.read(outs);
  expect(seen).toMatchObject({ present: false });
  await quay.helm.update(seen!);
  expect(Object.keys(await tasks())).toEqual(["1", "2", "3", "4"]);
});

test("a changed plan: new tasks are added, free ones updated, claimed ones kept on their old text, removed ones cancelled", async () => {
  const { grant } = await claiming("ship-0");
  expect(grant.task.id).toBe("1"); // Most tasks depend on this one.
  const changed = await quay.planOf([
    { id: "1", metadata: { x: { text: "new" } } },
    { id: "2", metadata: { x: { text: "new" } } },
    { id: "4", after: ["1"] },
    { id: "5" },
  ]);
  // A preview asks for the changes in this way, and nothing is written.
  const wanted = { added: ["5"], updated: ["2"], cancelled: ["3"], kept: ["1"] };
  expect(await helmClient().planChanges(quay.voyageId, changed)).toEqual(wanted);
  expect(Object.keys(await tasks())).toEqual(["1", "2", "3", "4"]);

  const marks = await quay.keep(changed);
  expect((await quay.helm.diff(outs, marks)).changes).toBe(true);
  expect(await quay.helm.update(outs, marks)).toMatchObject({ planDigest: changed.digest, planSummary: "small: 4 tasks" });
  const after = await tasks();
  expect(after["1"]).toMatchObject({ status: "claimed", epoch: grant.epoch });
  expect(["2", "3", "4", "5"].map((id) => after[id]?.status)).toEqual(["pending", "cancelled", "pending", "pending"]);
  const textOf = async (id: string) => JSON.parse(await readFile(`${quay.folder.tasks}/${id}.json`, "utf8")).metadata.x?.text;
  expect([await textOf("1"), await textOf("2")]).toEqual([undefined, "new"]);

  await helmClient().forgetShip(quay.voyageId, "ship-0");
});

test("the ledger keeps the whole plan, its folder and who signs; where one of them is another, read says so, and up writes it", async () => {
  const ashore = quay.helm.with({ plan: "~/plans/x", author: "Ann <ann@sea.example>", signOff: "true" });
  vi.stubEnv("GIT_CONFIG_GLOBAL", "/dev/null");
  outs = await quay.helm.create();
  const kept = () => ({ sailed: readSailedPlan(quay.folder.ledger), signing: readSigning(quay.folder.ledger) });
  expect(kept()).toMatchObject({ sailed: { plan: quay.plan, folder: "" }, signing: { author: null, signOff: false } });
  const seen = await ashore.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  expect(await ashore.update(seen!)).toEqual(outs);
  expect(kept()).toEqual({
    sailed: { plan: quay.plan, folder: join(homedir(), "plans/x") },
    signing: { author: { name: "Ann", email: "ann@sea.example" }, signOff: true },
  });
  expect(await ashore.read(outs)).toEqual(outs);

  // A voyage of an earlier version has no plan in its ledger.
  await quay.killHelm();
  const ledger = new DatabaseSync(quay.folder.ledger);
  ledger.exec("DELETE FROM meta WHERE key = 'plan'");
  ledger.close();
  await ensureHelm();
  expect(await ashore.read(outs)).toEqual({ ...outs, present: false });
  await ashore.update(outs);
  expect(kept().sailed?.plan).toEqual(quay.plan);
  vi.unstubAllEnvs();
});

test("a budget, and a time without progress, are inputs that up brings to the helm, and takes away", async () => {
  const claude = { hand: "claude", budgetUsd: 5, noProgressMinutes: 45 };
  expect((await quay.helm.diff(outs, claude)).changes).toBe(true);
  const spend = async () => (await helmClient().voyage(quay.voyageId)).spend;
  const patience = async () => (await helmClient().voyage(quay.voyageId)).noProgressSeconds;
  const rich = await quay.helm.update(outs, claude);
  expect(rich).toMatchObject({ budgetUsd: 5 });
  expect(await spend()).toMatchObject({ budgetUsd: 5, costUsd: 0 });
  expect(await patience()).toBe(45 * 60);
  await quay.helm.update(rich, { hand: "claude" });
  expect(await spend()).toMatchObject({ budgetUsd: null });
  expect(await patience()).toBe(20 * 60);
  await expect(quay.helm.create({ budgetUsd: 0 })).rejects.toThrow(/check: .*budgetUsd/);
});

test("state of an earlier version has the whole plan: the same plan is no change, another is, and read knows both", async () => {
  const { planDigest: _, planSummary: __, ...rest } = outs;
  const earlier = { ...rest, plan: quay.plan };
  expect((await quay.helm.diff(earlier)).changes).toBe(false);
  expect((await quay.helm.diff({ ...rest, plan: { ...quay.plan, digest: "another" } })).changes).toBe(true);
  // A refresh compares what was read with the inputs of that version.
  const inputs = { plan: quay.plan, planDigest: undefined, planSummary: undefined };
  expect((await quay.helm.diff(earlier, inputs)).changes).toBe(false);
  expect(await quay.helm.read(earlier)).toEqual(earlier);
  expect(await quay.helm.read({ ...rest, plan: { ...quay.plan, digest: "another" } })).toMatchObject({ present: false });
  expect(await quay.helm.update(earlier)).toEqual(outs);
});

test("the plan's time for all tasks is a change of the plan, which up brings to the next grant, and takes away", async () => {
  const marks = await quay.keep({ ...quay.plan, timeoutSeconds: 77 });
  expect((await quay.helm.diff(outs, marks)).changes).toBe(true);
  const patient = await quay.helm.update(outs, marks);
  expect((await claiming("ship-0")).grant.timeoutSeconds).toBe(77);
  await helmClient().forgetShip(quay.voyageId, "ship-0");
  await quay.keep(quay.plan);
  await quay.helm.update(patient);
  expect((await claiming("ship-0")).grant.timeoutSeconds).toBe(1800);
  await helmClient().forgetShip(quay.voyageId, "ship-0");
});

test("a plan that cannot be worked off is refused and changes nothing; the plan's file lost, the ledger has the one before; a plan that is nowhere is refused", async () => {
  const broken = structuredClone(quay.plan);
  broken.tasks[0]!.blockedBy = ["99"];
  await expect(quay.helm.update(outs, await quay.keep(broken))).rejects.toThrow(/task 1 waits for task 99/);
  expect(Object.keys(await tasks())).toContain("4");
  // The file still has the refused plan; then it is lost.
  expect(await quay.helm.update(outs)).toEqual(outs);
  await expect(quay.helm.update(outs, { planDigest: "nowhere" })).rejects.toThrow(
    /plan\.json is not the plan that is to sail, and the ledger does not have it either\n +hint: pulumi up -s quay/,
  );
  await rm(quay.folder.planFile);
  await expect(quay.helm.update(outs, { planDigest: "nowhere" })).rejects.toThrow(/is not the plan that is to sail/);
  expect(readSailedPlan(quay.folder.ledger)?.plan).toEqual(quay.plan);
});

test("a value of the wrong shape is found by check, naming its field", async () => {
  await expect(quay.helm.create({ leaseSeconds: "soon" })).rejects.toThrow(/check: .*leaseSeconds/);
});

/** Waits until the helm is down: it ends by itself a moment after its last voyage. */
async function helmIsDown(): Promise<void> {
  const answer = () =>
    helmClient()
      .health()
      .then(
        () => "up",
        () => "down",
      );
  await expect.poll(answer).toBe("down");
}

test("delete deregisters, ends ships' tokens and a helm with nothing left, keeps the ledger, and is quiet the second time", async () => {
  const { token } = await claiming("ship-0");
  const next = ship(String(outs.url), token, "ship-0-life");
  await quay.helm.remove(outs);
  await helmIsDown();
  await expect(next.hello()).rejects.toThrow();
  expect((await stat(quay.folder.ledger)).size).toBeGreaterThan(0);
  await expect(stat(quay.folder.credentials)).rejects.toThrow(/ENOENT/);
  await quay.helm.remove(outs);
});

test("delete when the helm is dead: it is started to be told, so that no later helm sails a voyage that is gone", async () => {
  await quay.killHelm();
  await quay.helm.remove(outs);
  await helmIsDown();
  const { voyages } = await (await ensureHelm()).health();
  expect(voyages).toEqual([]);
  const again = await quay.helm.create();
  expect(again).toEqual(outs);
});

test("targets of notices are no input: a change is seen at the next read, and the helm sends by the new ones", async () => {
  const elsewhere = createServer((_, response) => void response.writeHead(204).end());
  elsewhere.listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  const { port } = elsewhere.address() as AddressInfo;
  const notifies = (path: string) =>
    quay.helm.with({
      notify: JSON.stringify([{ url: `http://127.0.0.1:${port}/${path}`, events: ["verified"] }, { command: "exit 3" }]),
    });
  try {
    expect(await notifies("s3cr3t").read(outs)).toEqual({ ...outs, present: false });
    expect(await notifies("s3cr3t").update(outs)).toEqual(outs);
    expect(await notifies("s3cr3t").read(outs)).toEqual(outs);
    expect(await notifies("another").read(outs)).toMatchObject({ present: false });
    const told = await ocaptain("notify", "test", "quay");
    expect(told).toMatchObject({ exitCode: 1, stderr: "these are the targets that the last up has set" });
    expect(told.stdout.split("\n")).toEqual([
      expect.stringMatching(
        `^sent  notify\\[0\\] \\(http://127\\.0\\.0\\.1:${port}\\); status 204; 1 try, .*; else it is not told of task-asked$`,
      ),
      expect.stringMatching(/^FAILED {2}notify\[1\] \(command\); its exit status is 3; 3 tries, [\d.]+ s$/),
    ]);
    expect((await ocaptain("notify", "log", "quay")).stdout).toMatch(/^notify\[0\] .*; nothing was sent yet\n/);
    await expect(quay.helm.with({ notify: '[{"url": "s3cr3t"}]' }).update(outs)).rejects.toThrow(
      /^ocaptain:notify: \[0\]\.url must be a URL .*\n.*pulumi config set --secret ocaptain:notify/,
    );
  } finally {
    elsewhere.close();
  }
  expect(await quay.helm.update(outs)).toEqual(outs);
  expect(await ocaptain("notify", "test", "quay")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^quay has no target of notices/),
  });
});
