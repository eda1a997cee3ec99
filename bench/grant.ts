import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { voyageFolder } from "../lib/base/paths.ts";
import { ensureHelm } from "../lib/daemons/helm.ts";
import { prepareRepo } from "../lib/git/voyage-repo.ts";
import { loadPlan } from "../lib/plan/load.ts";
import { ClaimReply } from "../lib/protocol/ship-claims.ts";
import { AskingShip } from "./ask.ts";
import { writeBusyPlan } from "./busy-plan.ts";
import { openMachine, STACK } from "./machine.ts";

const VOYAGE = "be0c40";
const SHIPS = 100;
const ROUNDS = 30;
/**
 * The mean time between a ship's requests in the spread round: a task of a few seconds, which is less than any agent
 * needs.
 */
const THINK_MS = 2_000;
const SPREAD_MS = 20_000;

/** Milliseconds of each grant, as the ship sees it: the claim is sent, on disk at the helm, answered, read. */
export type Grants = {
  /** All ships ask in the same moment. */
  atOnce: number[];
  /** Each ship asks when it is done with the last task: 100 ships, 50 claims a second in all. */
  spread: number[];
};

/** Measures the grants of a real helm process, with its ledger on disk, when 100 ships ask for tasks over HTTP. */
export async function measureGrants(signal: AbortSignal): Promise<Grants> {
  const machine = await openMachine();
  const ships: AskingShip[] = [];
  try {
    const helm = await ensureHelm();
    const loaded = await loadPlan(await writeBusyPlan(machine.folder, SHIPS), {});
    if (!("plan" in loaded)) throw new Error("the bench's own plan has findings");
    const { plan } = loaded;
    const folder = voyageFolder(STACK);
    await mkdir(folder.root, { recursive: true });
    await prepareRepo({ folder, repo: join(machine.folder, "repo"), branch: STACK });
    await helm.registerVoyage(VOYAGE, {
      stack: STACK,
      folder: folder.root,
      plan,
      hand: "rehearsal",
      provider: { kind: "harbor", baseUrl: "http://127.0.0.1:9", token: "none" }, // nobody sleeps, so nobody is woken
    });
    for (let i = 0; i < SHIPS; i++) {
      const { token } = await helm.registerShip(VOYAGE, `ship-${i}`, `vm-${i}`);
      const ship = new AskingShip(token, `vm-${i}`);
      ships.push(ship);
      await ship.board();
    }
    await Promise.all(ships.map(claimAndRelease)); // opens the connections and warms the code
    return { atOnce: await atOnce(ships, signal), spread: await spread(ships, signal) };
  } finally {
    for (const ship of ships) ship.leave();
    await machine.close();
  }
}

async function atOnce(ships: AskingShip[], signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    signal.throwIfAborted();
    const grants = await Promise.all(ships.map((ship) => claim(ship)));
    times.push(...grants.map((grant) => grant.ms));
    await Promise.all(grants.map((grant) => grant.release()));
    await sleep(200);
  }
  return times;
}

async function spread(ships: AskingShip[], signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  const end = Date.now() + SPREAD_MS;
  const work = async (ship: AskingShip) => {
    for (;;) {
      await sleep(2 * THINK_MS * Math.random(), undefined, { signal });
      if (Date.now() > end) return;
      times.push(await claimAndRelease(ship));
    }
  };
  await Promise.all(ships.map(work));
  return times;
}

async function claimAndRelease(ship: AskingShip): Promise<number> {
  const { ms, release } = await claim(ship);
  await release();
  return ms;
}

/** Claims a task. There are as many tasks as ships, so every claim is granted. */
async function claim(ship: AskingShip) {
  const { reply, ms } = await ship.call("claim");
  const answer = ClaimReply.parse(reply);
  if (answer.kind !== "grant") throw new Error(`a claim was answered "${answer.kind}"`);
  const { task, epoch } = answer.grant;
  return { ms, release: () => ship.call("release", { task: task.id, epoch, reason: "measured", failed: false }) };
}
