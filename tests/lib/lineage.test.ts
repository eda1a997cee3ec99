import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ledger } from "../../helm/ledger/ledger.ts";
import { applyPlan } from "../../helm/ledger/plan-changes.ts";
import { Store } from "../../helm/ledger/store.ts";
import { anotherPlan, readLineage } from "../../lib/plan/lineage.ts";
import type { Plan, PlanTask } from "../../lib/plan/types.ts";

let root: string;
const ledgerFile = () => join(root, "helm/ledger.sqlite");
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "li-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const task = (id: string, subject: string, description: string): PlanTask => ({
  id,
  subject,
  description,
  blocks: [],
  blockedBy: [],
  metadata: {},
});
const keel = task("1", "Lay the keel", "Take oak of forty feet and lay it on the blocks, straight to a finger's breadth.");
const mast = task("2", "Step the mast", "Raise the mast by the sheers and wedge it at the partners.");
const plan = (tasks: PlanTask[], name = "ship"): Plan => ({
  name,
  purpose: "p",
  repo: ".",
  recommendedShips: null,
  width: 1,
  spec: "s",
  verify: null,
  tasks,
  digest: "d",
});

/**
 * Makes a ledger of a voyage that sailed this plan: the first `accepted` tasks are accepted, the rest were never
 * granted.
 */
async function sailed(tasks: PlanTask[], accepted: number): Promise<Ledger> {
  const ledger = new Ledger(new Store(ledgerFile(), { sync: "off" }), () => 0);
  await ledger.store.write(() => {
    ledger.setMeta("name", "ship");
    applyPlan(ledger, plan(tasks));
    for (let i = 1; i <= accepted; i++)
      ledger.store.run("UPDATE tasks SET status = 'accepted', epoch = 1, commit_id = 'c' WHERE id = ?", String(i));
  });
  return ledger;
}
const another = (tasks: PlanTask[], name?: string) => anotherPlan(plan(tasks, name), readLineage(ledgerFile())!);

test("no ledger, an empty one, and one that is none", async () => {
  expect(readLineage(ledgerFile())).toBeNull();
  new Store(ledgerFile()).close();
  expect(readLineage(ledgerFile())).toBeNull();
  await rm(ledgerFile());
  const { writeFile } = await import("node:fs/promises");
  await writeFile(ledgerFile(), "no database".repeat(1000));
  expect(() => readLineage(ledgerFile())).toThrow(`the ledger ${ledgerFile()} cannot be read`);
});

test("it is read beside the helm that has it open, and after that has let go of it", async () => {
  const ledger = await sailed([keel, mast], 1);
  const lineage = { name: "ship", granted: [{ task: keel, status: "accepted", commit: "c" }], followUps: [] };
  expect(readLineage(ledgerFile())).toEqual(lineage);
  ledger.store.close();
  expect(readLineage(ledgerFile())).toEqual(lineage);
});

test("a plan that grows, drops tasks, edits a done one or replaces what is not done is the same plan", async () => {
  (await sailed([keel, mast], 1)).store.close();
  expect(another([keel, mast, task("3", "Bend the sails", "All of them.")])).toBeNull();
  expect(another([mast])).toBeNull();
  expect(another([{ ...keel, subject: "Lay keel and keelson" }])).toBeNull();
  expect(another([{ ...keel, description: "Quite different words, but of the same task by its subject." }])).toBeNull();
  expect(
    another([task("1", "Lay a keel of oak", "Take forty feet of oak and lay it straight on the blocks, now within an inch.")]),
  ).toBeNull();
  expect(another([keel, task("2", "Write the log", "Each watch, what the wind did.")])).toBeNull();
});

test("another name is another plan, once something was granted; so is a done task that has become another", async () => {
  (await sailed([keel, mast], 1)).store.close();
  expect(another([keel, mast], "boat")).toEqual({ renamed: true, others: [] });
  expect(another([task("1", "Write the log", "Each watch, what the wind did."), mast])).toEqual({
    renamed: false,
    others: [{ id: "1", was: "Lay the keel", is: "Write the log" }],
  });
  // These tasks have titles alone, which the prior art's plans may have.
  expect(another([task("1", "Write the log", "")])?.others).toHaveLength(1);
});

test("nothing was granted yet: any plan is followed", async () => {
  (await sailed([keel], 0)).store.close();
  expect(another([task("1", "Write the log", "Each watch.")], "boat")).toBeNull();
});
