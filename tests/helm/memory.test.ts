import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { boardPaperShip, openPaperVoyage, scratchFolder } from "./paper.ts";

const MiB = 1024 * 1024;

test("what the helm remembers of ships that find nothing does not grow with the plan", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const scratch = scratchFolder();
  const graph = Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [String(at + 1), []]));
  const timing = { leaseSeconds: 12, heartbeatSeconds: 1, fenceSeconds: 9 };
  const voyage = await openPaperVoyage({ file: join(scratch.folder, "l.sqlite"), graph, timing });
  try {
    const ships = await Promise.all(Array.from({ length: 10 }, (_, at) => boardPaperShip(voyage, `ship-${at}`)));
    const look = (caller: (typeof ships)[number]["caller"], requestId: string) =>
      voyage.calls.answer("claim", caller, { requestId, incarnation: caller.incarnation, only: "verify" });
    const requestId = randomUUID();
    const first = await look(ships[0]!.caller, requestId);
    expect(first).toMatchObject({ kind: "nothing", reason: "waiting", free: { length: 1500 } });
    expect(await look(ships[0]!.caller, requestId)).toEqual(first);

    collect();
    const before = process.memoryUsage().heapUsed;
    for (let times = 0; times < 30; times++) await Promise.all(ships.map(({ caller }) => look(caller, randomUUID())));
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 * MiB);
  } finally {
    voyage.ledger.close();
    scratch.remove();
  }
});
