import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { Waker } from "../../helm/voyage/wake.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage, scratchFolder } from "./paper.ts";

const TIMING = { leaseSeconds: 120, heartbeatSeconds: 10, fenceSeconds: 90, lingerSeconds: 8 };
const GRAPH = { "1": [], "2": [], "3": [] };

let scratch: ReturnType<typeof scratchFolder>;
let clock: HandClock;
let voyage: Voyage;
beforeEach(async () => {
  scratch = scratchFolder();
  clock = handClock();
  voyage = await openPaperVoyage({ file: join(scratch.folder, "l.sqlite"), graph: GRAPH, timing: TIMING, clock });
});
afterEach(() => {
  voyage.ledger.close();
  scratch.remove();
});

async function come(name: string) {
  const ship = await boardPaperShip(voyage, name);
  await ship.hello();
  return ship;
}

test("a ship off duty ends what it has and gets nothing new; others get it; that ends by itself, or when it is said", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const { task, epoch } = await a.grant();
  voyage.putOffDuty(["ship-0"], 30);
  expect(await a.claim()).toMatchObject({ kind: "grant", grant: { task: { id: task.id } } });
  expect((await a.heartbeat()).steer).toBe("go");
  expect((await a.accept(task.id, epoch)).kind).toBe("accepted");
  expect(await a.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  expect((await b.claim()).kind).toBe("grant");

  clock.pass(29);
  expect((await a.claim()).kind).toBe("nothing");
  voyage.putOffDuty(["ship-0"], 30);
  clock.pass(29);
  expect((await a.claim()).kind).toBe("nothing");
  clock.pass(2);
  voyage.putOffDuty(["ship-0"], 30);
  expect((await a.claim()).kind).toBe("nothing");
  voyage.putOffDuty(["ship-0"], 0);
  expect((await a.claim()).kind).toBe("grant");
});

test("what a command that was killed has put off duty comes back by itself", async () => {
  const a = await come("ship-0");
  voyage.putOffDuty(["ship-0"], 30);
  expect((await a.claim()).kind).toBe("nothing");
  clock.pass(31);
  expect((await a.claim()).kind).toBe("grant");
});

test("a ship off duty is neither given verify.sh nor woken for it, nor does it keep another one asleep", async () => {
  const woken: string[] = [];
  const sprites = {
    get: async (name: string) => ({ id: `vm-${name.slice(-6)}` }),
    exec: async (name: string) => {
      woken.push(name.slice(-6));
      return { exitCode: 0, stdout: "", stderr: "" };
    },
  } as unknown as SpritesClient;
  const waker = new Waker(voyage.context, voyage.crews, async () => sprites);
  const looked = async () => {
    waker.look();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    return [...woken];
  };
  const plan = makePlan({}, { verify: "true" });
  await voyage.register({ stack: "v", plan, hand: "rehearsal", timing: TIMING });
  const a = await come("ship-0");
  await come("ship-1");
  voyage.putOffDuty(["ship-0", "ship-1"], 600);
  expect(await a.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  clock.pass(31);
  expect(voyage.status().ships.map(({ state }) => state)).toEqual(["ended", "ended"]);
  expect(await looked()).toEqual([]);
  await a.hello();
  expect(voyage.shipRow("ship-0")).toMatchObject({ state: "idle" });
  voyage.putOffDuty(["ship-1"], 0);
  expect(await looked()).toEqual(["ship-1"]);
  waker.close();
});
