import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { freePort } from "../../lib/base/free-port.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import type { Plan } from "../../lib/plan/types.ts";
import type { RegisterVoyage } from "../../lib/protocol/admin-api.ts";
import { stopCrew } from "../../lib/ship/crew-launch.ts";
import { TestShip, tempFolder } from "../support/test-ship.ts";
import { until } from "../support/until.ts";

// Helm, tmux and git are real here; only the VMs are folders on this machine.
export const ID = "abc123";
export const STACK = "voyage-test";
/** The folder, the helm and the ships of the test that runs. */
export let folder: string;
export let helm: HelmClient;
export let ships: TestShip[];

beforeEach(async () => {
  folder = tempFolder();
  ships = [];
  process.env.OCAPTAIN_HOME = join(folder, "h");
  process.env.OCAPTAIN_VOYAGES = join(folder, "v");
  process.env.OCAPTAIN_HELM_PORT = String(await freePort());
  helm = await ensureHelm();
});

afterEach(async () => {
  for (const ship of ships) {
    inTmux(ship, stopCrew);
    await ship.remove();
  }
  await stopHelm();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Gives each ship a tmux server of its own, by TMUX_TMPDIR, as a VM has one. */
export function inTmux(ship: TestShip, argv: readonly string[]) {
  const env = { ...ship.environment({ TMUX_TMPDIR: ship.home, LANG: "C.UTF-8" }) };
  return spawnSync(argv[0]!, argv.slice(1), { env, encoding: "utf8" });
}

/** Registers a voyage of this plan, and boards so many ships, whose crews are not started yet. */
export async function sail(plan: Plan, repo: string, count: number, times: RegisterVoyage["timing"] = {}) {
  const at = voyageFolder(STACK);
  await prepareRepo({ folder: at, repo, branch: STACK });
  const timing = { leaseSeconds: 40, heartbeatSeconds: 0.5, fenceSeconds: 30, lingerSeconds: 20, ...times };
  const provider = { kind: "harbor" as const, baseUrl: "http://127.0.0.1:9", token: "none" };
  await helm.registerVoyage(ID, { stack: STACK, folder: at.root, plan, hand: "rehearsal", provider, timing });
  for (let i = 0; i < count; i++) {
    const root = join(folder, `s${i}`);
    mkdirSync(root);
    const ship = new TestShip(root, `ship-${i}`, `${folder.split("-").at(-1)}-${i}`);
    ships.push(ship);
    const { token } = await helm.registerShip(ID, ship.name, ship.incarnation);
    await ship.install(`http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`, token);
  }
  return at;
}

/** Waits for what is looked for; a failure says how the voyage is. */
export const seen = <T>(what: string, look: () => Promise<T> | T, timeoutMs = 60_000) =>
  until(what, look, timeoutMs, {
    everyMs: 100,
    said: async () => JSON.stringify(await helm.voyage(ID), null, 1).slice(0, 6000),
  });
