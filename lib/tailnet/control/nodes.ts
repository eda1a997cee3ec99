import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../base/errors.ts";
import { type ListedNode, SHIP_TAG, type TailnetControl } from "./types.ts";

/** Waits between looks at the control plane's list, which may lag behind what was done. */
const LOOK_AGAIN_MS = [100, 200, 500, 1000, 2000, 4000];

/** Whether a machine is tagged as a ship and nothing else: another tag would give it other rights. */
const isShip = (node: ListedNode) => node.tags.length === 1 && node.tags[0] === SHIP_TAG;

/**
 * A ship's machines in the tailnet: the one with its id, though it may have lost its tag or its name, and those tagged
 * as ships that have its name. A machine that has only the name is somebody else's, and so is one that has only the id:
 * Headscale's ids are numbers, which another server has too.
 */
export const nodesOfShip = (nodes: readonly ListedNode[], sprite: string, nodeId: string): ListedNode[] =>
  nodes.filter((node) => {
    const [byId, named, tagged] = [nodeId !== "" && node.id === nodeId, node.hostname === sprite, node.tags.includes(SHIP_TAG)];
    return (byId && (named || tagged)) || (named && tagged);
  });

/** The captain's machine, by both id and host name: Headscale's ids are numbers, which another server has too. */
export const nodeOfCaptain = (nodes: readonly ListedNode[], self: { nodeId: string | undefined; hostname: string }) =>
  nodes.find((node) => node.id === self.nodeId && node.hostname === self.hostname);

/** A voyage's machines, by the prefix of their host names. */
export const nodesOfVoyage = (nodes: readonly ListedNode[], prefix: string): ListedNode[] =>
  nodes.filter((node) => node.hostname.startsWith(prefix) && node.tags.includes(SHIP_TAG));

/** Whether a machine is as the ship joined it: with its name, its tag alone, and a key that has not expired. */
export const isSound = (node: ListedNode, sprite: string) => node.hostname === sprite && isShip(node) && !node.expired;

/**
 * Removes machines from the tailnet, and looks until they are gone.
 * @throws OcaptainError NODE_STAYS when one is still listed
 */
export async function removeNodes(control: TailnetControl, nodes: readonly ListedNode[]): Promise<void> {
  if (nodes.length === 0) return;
  for (const node of nodes) await control.deleteNode(node.id);
  let left: ListedNode[] = [];
  for (const waitMs of [0, ...LOOK_AGAIN_MS]) {
    await sleep(waitMs);
    left = (await control.listNodes()).filter(({ id }) => nodes.some((node) => node.id === id));
    if (left.length === 0) return;
  }
  throw new OcaptainError("NODE_STAYS", `removed from the tailnet, and still listed: ${left.map(describe).join(", ")}`, {
    hint: "pulumi destroy  # again",
  });
}

/**
 * The machine that a ship, just joined, says it is, as the control plane lists it.
 * @throws OcaptainError NODE_MISSING when no such machine is listed in time
 */
export async function listedNode(control: TailnetControl, nodeId: string | null, sprite: string): Promise<ListedNode> {
  for (const waitMs of [0, ...LOOK_AGAIN_MS]) {
    await sleep(waitMs);
    const node = (await control.listNodes()).find(({ id }) => id === nodeId);
    if (node && isSound(node, sprite)) return node;
  }
  throw new OcaptainError(
    "NODE_MISSING",
    `${sprite} joined the tailnet as ${nodeId ?? "none"}, and no such machine, so named and tagged ${SHIP_TAG}, is listed`,
    {
      hint: "ocaptain doctor",
    },
  );
}

export const describe = ({ name, id }: ListedNode) => `${name} (${id})`;
