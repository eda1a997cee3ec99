import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { earlierTasks } from "../../cli/plan/earlier-tasks.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { boardPaperShip, handClock, openPaperVoyage, scratchFolder } from "../helm/paper.ts";

let scratch: ReturnType<typeof scratchFolder>;
let before: string | undefined;
beforeEach(() => {
  scratch = scratchFolder();
  before = process.env.OCAPTAIN_VOYAGES;
  process.env.OCAPTAIN_VOYAGES = scratch.folder;
});
afterEach(() => {
  if (before === undefined) delete process.env.OCAPTAIN_VOYAGES;
  else process.env.OCAPTAIN_VOYAGES = before;
  scratch.remove();
});

/** Sails a voyage in which each task takes so many minutes, and returns its ledger, which is open. */
async function sailed(stack: string, minutes: readonly number[], hand = "rehearsal") {
  const folder = voyageFolder(stack);
  const identity = { voyageId: "abc123", stack, captainId: "0123456789ab", nonce: "n", createdAt: "2026-11-23T00:00:00Z" };
  mkdirSync(folder.root);
  writeFileSync(folder.voyageFile, JSON.stringify(identity));
  const clock = handClock();
  const graph = Object.fromEntries(minutes.map((_, at) => [String(at + 1), []]));
  const timing = { leaseSeconds: 1e6, heartbeatSeconds: 60 };
  const { ledger, ...voyage } = await openPaperVoyage({ file: folder.ledger, graph, timing, clock }).then((open) => ({
    ledger: open.ledger,
    board: () => boardPaperShip(open, "ship-0"),
  }));
  const ship = await voyage.board();
  for (const each of minutes) {
    const { task, epoch } = await ship.grant();
    clock.pass(60 * each);
    await ship.accept(task.id, epoch);
  }
  await ledger.write(() => ledger.setMeta("hand", hand));
  return ledger;
}

test("how long tasks take is the median of what those of earlier voyages took, and nothing where these are few", async () => {
  expect(await earlierTasks()).toBeUndefined();
  const first = await sailed("one", [3, 5, 4, 600]);
  expect(await earlierTasks()).toBeUndefined();
  (await sailed("two", [1, 2])).close();
  expect(await earlierTasks()).toEqual({ minutes: 3.5, tasks: 6, voyages: 2 });
  first.close();

  // What is no ledger is left out, and agents' work counts before that of rehearsals.
  (await sailed("three", [20, 30, 40, 50, 60], "claude")).close();
  mkdirSync(join(voyageFolder("four").root, "helm"), { recursive: true });
  writeFileSync(voyageFolder("four").ledger, "no database");
  writeFileSync(voyageFolder("four").voyageFile, "{}");
  expect(await earlierTasks()).toEqual({ minutes: 40, tasks: 5, voyages: 1 });
});

test("a ledger of an earlier helm tells by the runs of its tasks", async () => {
  const ledger = await sailed("old", [1, 1, 1, 1, 1], "claude");
  await ledger.write(() => {
    ledger.store.run("DROP TABLE deliveries");
    for (let id = 1; id <= 5; id++)
      for (const part of ["a", "b"])
        ledger.store.run("INSERT INTO runs VALUES (?, 's', ?, 1, '', 0, 0, 0, 0, 0, 0, ?)", `${id}${part}`, String(id), 60 * id);
  });
  ledger.close();
  expect(await earlierTasks()).toEqual({ minutes: 6, tasks: 5, voyages: 1 });
});
