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
  voyage = await open();
});
afterEach(() => {
  voyage.ledger.close();
  scratch.remove();
});
const open = () => openPaperVoyage({ file: join(scratch.folder, "l.sqlite"), graph: GRAPH, timing: TIMING, clock });

async function come(name: string) {
  const ship = await boardPaperShip(voyage, name);
  await ship.hello();
  return ship;
}

test("a paused voyage grants nothing, lets what is at work end, and says so; a helm that starts anew and an up both leave it paused", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const { task, epoch } = await a.grant();
  await voyage.pause();
  expect(await b.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  expect(await a.heartbeat()).toMatchObject({ steer: "go" });
  clock.pass(100_000);
  expect(await a.heartbeat()).toMatchObject({ steer: "go" });
  expect(voyage.status()).toMatchObject({ state: "paused", paused: { giveBackAt: null } });
  expect(voyage.shipRow("ship-1")).toMatchObject({ hasWork: false });
  expect((await a.accept(task.id, epoch)).kind).toBe("accepted");

  voyage.ledger.close();
  // It opens the ledger as a helm that starts, and registers the plan as an up does.
  voyage = await open();
  expect(voyage.status().state).toBe("paused");
  const again = await come("ship-1");
  expect(await again.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  await voyage.resume();
  expect(voyage.status()).toMatchObject({ state: "sailing" });
  expect(voyage.status()).not.toHaveProperty("paused");
  expect((await again.claim()).kind).toBe("grant");
});

test("after its time each ship at work is told to end, by its stream and by its heartbeat; the task costs no try, and others are not told", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  const heard: string[] = [];
  for (const ship of [a, b])
    voyage.calls.present(ship.caller, (line) => heard.push(`${ship.caller.ship} ${JSON.stringify(line)}`));
  const { task, epoch } = await a.grant();
  await voyage.pause(600);
  clock.pass(599);
  voyage.tick();
  expect((await a.heartbeat()).steer).toBe("go");
  expect(heard.filter((line) => line.includes("stop"))).toEqual([]);
  clock.pass(1);
  voyage.tick();
  expect(heard.filter((line) => line.includes("stop"))).toEqual([expect.stringMatching(/^ship-0 .*paused/)]);
  expect(await a.heartbeat()).toMatchObject({ steer: "stop", reason: expect.stringContaining("paused") });
  expect((await b.heartbeat()).steer).toBe("go");
  await a.release(task.id, epoch);
  expect(voyage.taskRow(task.id)).toMatchObject({ status: "pending", tries: 0 });
  expect((await a.heartbeat()).steer).toBe("go");
  // The last order counts.
  await voyage.pause();
  expect(voyage.status().paused).toMatchObject({ giveBackAt: null });
});

test("no ship is woken while the voyage is paused, for a task or for verify.sh; when it goes on they are", async () => {
  const woken: string[] = [];
  const sprites = {
    get: async () => ({ id: "vm-ship-0" }),
    exec: async (name: string) => {
      woken.push(name);
      return { exitCode: 0, stdout: "", stderr: "" };
    },
  } as unknown as SpritesClient;
  const waker = new Waker(voyage.context, voyage.crews, async () => sprites);
  const looked = async () => {
    waker.look();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    return woken.length;
  };
  await come("ship-0");
  clock.pass(31);
  expect(voyage.shipRow("ship-0")).toMatchObject({ state: "ended" });
  await voyage.pause();
  expect(await looked()).toBe(0);
  const plan = makePlan({}, { verify: "true" });
  await voyage.register({ stack: "v", plan, hand: "rehearsal", timing: TIMING });
  expect(voyage.status().state).toBe("paused");
  expect(await looked()).toBe(0);
  await voyage.resume();
  expect(voyage.status().state).toBe("verifying");
  expect(await looked()).toBe(1);
  waker.close();
});

test("sinking ends a pause: who sails anew sails", async () => {
  await voyage.pause();
  await voyage.sink();
  expect(voyage.status().state).toBe("sunk");
  await voyage.register({ stack: "v", plan: makePlan(GRAPH), hand: "rehearsal", timing: TIMING });
  expect(voyage.status()).not.toHaveProperty("paused");
});
