/**
 * `node bench/long-plan.ts [tasks]` measures what a grant costs the helm in a long plan, beside one in a plan a tenth
 * as long: the processor time of the rules and of the ledger, without HTTP and without a disk's syncs.
 */
import { join } from "node:path";
import { boardPaperShip, openPaperVoyage, scratchFolder } from "../tests/helm/paper.ts";
import { median } from "./numbers.ts";

const TASKS = Number(process.argv[2] ?? 10_000);
const SHIPS = 16;
const ROUNDS = 20;
const TIMING = { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 450, lingerSeconds: 1 };

/** What is said of task `i` of a plan: what it touches, and what it waits for. */
type Kind = { touches: (i: number) => string[]; waits?: (i: number, tasks: number) => string[] };
const KINDS: Record<string, Kind> = {
  "nothing is said of what tasks touch": { touches: () => [] },
  "each touches a folder of its own": { touches: (i) => [`src/m${i}/**`] },
  "all touch one file": { touches: () => ["README.md"] },
  "20 globs a task that begin with **": { touches: (i) => Array.from({ length: 20 }, (_, at) => `**/m${i}-${at}.ts`) },
  "half are one chain, and half are free": {
    touches: () => [],
    waits: (i, tasks) => (i > 0 && i < tasks / 2 ? [String(i)] : []),
  },
};

console.log(`| a grant, of so many tasks | ${TASKS / 10} | ${TASKS} | ratio |\n|---|---|---|---|`);
for (const [name, kind] of Object.entries(KINDS)) {
  const [few, many] = [await grantMs(kind, TASKS / 10), await grantMs(kind, TASKS)];
  console.log(`| ${name} | ${few.toFixed(2)} ms | ${many.toFixed(2)} ms | ${(many / few).toFixed(1)} × |`);
}

/** The processor time of a grant, while 16 ships are at work and each of them has its task accepted before it asks. */
async function grantMs({ touches, waits = () => [] }: Kind, tasks: number): Promise<number> {
  const ids = Array.from({ length: tasks }, (_, i) => String(i + 1));
  const scratch = scratchFolder();
  const voyage = await openPaperVoyage({
    file: join(scratch.folder, "ledger.sqlite"),
    graph: Object.fromEntries(ids.map((id, i) => [id, waits(i, tasks)])),
    metadata: Object.fromEntries(ids.map((id, i) => [id, { touches: touches(i) }])),
    timing: TIMING,
  });
  try {
    const ships = await Promise.all(Array.from({ length: SHIPS }, (_, at) => boardPaperShip(voyage, `ship-${at}`)));
    const held = new Map<(typeof ships)[number], { id: string; epoch: number }>();
    const times: number[] = [];
    for (let round = 0; round <= ROUNDS; round++)
      for (const ship of ships) {
        const done = held.get(ship);
        if (done) await ship.accept(done.id, done.epoch);
        const before = process.cpuUsage();
        const { task, epoch } = await ship.grant();
        const { user, system } = process.cpuUsage(before);
        // The first round opens what all later ones have.
        if (round > 0) times.push((user + system) / 1000);
        held.set(ship, { id: task.id, epoch });
      }
    return median(times);
  } finally {
    voyage.ledger.close();
    scratch.remove();
  }
}
