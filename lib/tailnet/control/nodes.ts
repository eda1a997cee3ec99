import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../base/errors.ts";
import { SHIP_TAG, type TailnetControl, type TailnetNode } from "./types.ts";

/** Waits between looks at the control plane's list: it may lag behind what was done. */
const LOOK_AGAIN_MS = [100, 200, 500, 1000, 2000, 4000];

/** Is this machine tagged as a ship, and by nothing else? Another tag is other rights. */
const isShip = (node: TailnetNode) => node.tags.length === 1 && node.tags[0] === SHIP_TAG;

/**
 * A ship's machines in the tailnet: the one known by its id, whatever became of its tag or of its name, and those tagged as ships that have its name. What
 * only has the name is somebody else's; and so is what only has the id: Headscale's are numbers, which another server has too.
 */
export const nodesOfShip = (nodes: readonly TailnetNode[], sprite: string, nodeId: string): TailnetNode[] =>
  nodes.filter((node) => {
    const [byId, named, tagged] = [nodeId !== "" && node.id === nodeId, node.hostname === sprite, node.tags.includes(SHIP_TAG)];
    return (byId && (named || tagged)) || (named && tagged);
  });

/** The captain's machine, by what its tailscaled takes itself for: never by the id alone, for Headscale's are numbers, which another server has too. */
export const nodeOfCaptain = (nodes: readonly TailnetNode[], self: { nodeId: string | undefined; hostname: string }) =>
  nodes.find((node) => node.id === self.nodeId && node.hostname === self.hostname);

/** A voyage's machines, by the prefix of their names. */
export const nodesOfVoyage = (nodes: readonly TailnetNode[], prefix: string): TailnetNode[] =>
  nodes.filter((node) => node.hostname.startsWith(prefix) && node.tags.includes(SHIP_TAG));

/** Is it the ship's, as it was joined: its name, its tag alone, its own key good? */
export const isSound = (node: TailnetNode, sprite: string) => node.hostname === sprite && isShip(node) && !node.expired;

/**
 * Removes machines from the tailnet, and looks until they are gone.
 * @throws OcaptainError NODE_STAYS
 */
export async function removeNodes(control: TailnetControl, nodes: readonly TailnetNode[]): Promise<void> {
  if (nodes.length === 0) return;
  for (const node of nodes) await control.deleteNode(node.id);
  let left: TailnetNode[] = [];
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
 * @throws OcaptainError NODE_MISSING
 */
export async function listedNode(control: TailnetControl, nodeId: string | null, sprite: string): Promise<TailnetNode> {
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

export const describe = ({ name, id }: TailnetNode) => `${name} (${id})`;
