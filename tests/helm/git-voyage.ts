import { afterAll, afterEach, beforeAll } from "vitest";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { gitIn } from "../support/git.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship, startLastingHelm } from "../support/helm-voyage.ts";

/** A voyage of its own for each test of the captain's repository, at one helm, with ships that are only their calls. */

export let captain: Awaited<ReturnType<typeof makeCaptain>>;
export let helm: HelmClient;
/** The voyages so far; the branch of the newest one is `v` with this number. */
export let count = 0;
/** The voyage of the test that runs, and its folder. */
export let id = "";
export let folder: VoyageFolder;
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await startLastingHelm(captain);
});
afterEach(() => helm.deregisterVoyage(id));
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

/** Makes the captain's folder of a voyage from a source, without telling the helm of it. */
export async function begin(source: string, graph: Record<string, string[]>, metadata = {}) {
  id = `aa${String(count++).padStart(4, "0")}`;
  const voyage = await makeVoyage(source, `v${count}`, makePlan(graph, { metadata }), { timing: { leaseSeconds: 60 } });
  folder = voyage.folder;
  return voyage;
}

export async function sail(graph: Record<string, string[]>, files?: Record<string, string>, metadata = {}) {
  const voyage = await begin(makeSource(captain.root, files), graph, metadata);
  await helm.registerVoyage(id, voyage.register);
  return voyage;
}

export async function join_(name: string, incarnation = `vm-${name}`) {
  const { token } = await helm.registerShip(id, name, incarnation);
  return {
    token,
    incarnation,
    call: ship(captain.url, token, incarnation),
    tree: makeTree(captain.root, captain.url, id, name, token),
  };
}
export const bare = (...args: string[]) => gitIn(captain.root, "--git-dir", folder.repo, ...args);
