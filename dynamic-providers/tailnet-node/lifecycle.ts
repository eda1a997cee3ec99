import { OcaptainError } from "../../lib/base/errors.ts";
import { holdAwake } from "../../lib/sprites/keep-awake.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { isSound, listedNode, nodesOfShip, removeNodes } from "../../lib/tailnet/control/nodes.ts";
import type { ListedNode, TailnetControl } from "../../lib/tailnet/control/types.ts";
import { type Captain, captainNode } from "../../lib/tailnet/node/captain.ts";
import { hasShipSsh, removeShipSsh, writeShipSsh } from "../../lib/tailnet/node/ssh.ts";
import { ipv4 } from "../../lib/tailnet/node/tailscale-cli.ts";
import { defineLifecycle, PartlyMade, type Settings } from "../lifecycle.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { controlOf, recordTailnet } from "../shared/tailnet-control.ts";
import { reachNode } from "./captain-peers.ts";
import { TailnetNodeInputs } from "./inputs.ts";
import {
  forgetNode,
  joinShip,
  leaveTailnet,
  lookAtShip,
  type NodeFacts,
  putPrograms,
  putServices,
  restartTailscaled,
  shipNodeId,
} from "./ship-node.ts";

/**
 * `address`: the node's IPv4 address in the tailnet. `nodeId`: its id at the control plane. `user`: the user that ssh
 * logs in as.
 */
type Outputs = { address: string; nodeId: string; user: string };

/** The longest that a ship which joined may take until the captain reaches it. */
const REACH_MS = 30_000;
const JOIN_ATTEMPTS = 2;
const ANSWER_MS = 3_000;
/**
 * The time for which the ship is kept awake while it joins: traffic of the tailnet does not keep it awake
 * (docs/facts/tailnet.md#traps).
 */
const HOLD_SECONDS = 180;

/**
 * A ship in the tailnet: tailscaled and the way to the helm on the ship, its node at the control plane, and the
 * captain's ssh settings for it.
 */
export const tailnetNodeLifecycle = defineLifecycle<TailnetNodeInputs, Outputs>({
  inputs: TailnetNodeInputs,
  id: (news) => `${news.sprite}-node`,
  replaceOn: ["sprite", "provider"],
  fixed: ["control"],
  steady: ["captain", "helmPort"],

  async reconcile(settings, news, olds) {
    const control = await controlOf(settings, news);
    const captain = await captainNode({ own: settings.captainNode === "own" });
    const sprites = await spritesOf(settings, news);
    // What state has stays there until there is something new, since a node is found again, and removed, by its id.
    let made: Outputs = { address: olds?.address ?? "", nodeId: olds?.nodeId ?? "", user: olds?.user ?? "" };
    try {
      await holdAwake(sprites, news.sprite, HOLD_SECONDS);
      const facts = await lookAtShip(sprites, news.sprite);
      await putPrograms(sprites, news.sprite, facts);
      await putServices(sprites, news.sprite, facts, {
        captain: { captain: news.captain, port: news.helmPort },
        loginServer: control.loginServer,
        digest: news.digest,
      });
      const join = async (anew: boolean) => {
        const node = await ensureJoined(control, sprites, { ...news, oldId: made.nodeId, facts, anew });
        made = { address: ipv4({ TailscaleIPs: node.addresses }) ?? "", nodeId: node.id, user: facts.user };
        await reach(captain, news, made);
        await recordTailnet(news.stack, control);
      };
      await join(false).catch((error: unknown) => {
        // Nothing else brings back a node that other machines have confused with an earlier one
        // (docs/adr/ships-over-a-tailnet.md).
        if (error instanceof OcaptainError && error.code === "UNANSWERED") return join(true);
        throw error;
      });
      return made;
    } catch (error) {
      throw new PartlyMade(made, error); // there may be a node by now: destroy must know of it
    }
  },

  async read(settings, props) {
    if (!props.nodeId) return { ...props, present: false };
    const nodes = nodesOfShip(await (await controlOf(settings, props)).listNodes(), props.sprite, props.nodeId);
    const node = nodes.find(({ id }) => id === props.nodeId);
    if (!node) return null;
    const whole = nodes.length === 1 && isSound(node, props.sprite) && hasShipSsh(props);
    return { ...props, present: props.present && whole && (node.online || !(await isLost(settings, props))) };
  },

  async remove(settings, props) {
    const control = await controlOf(settings, props);
    const sprites = await spritesOf(settings, props);
    const live = await sprites.get(props.sprite);
    const another = live !== null && live.id !== props.incarnation;
    if (live && !another) await leaveTailnet(sprites, props.sprite);
    const nodes = await control.listNodes();
    // Another life's node has the same name, so only the node that is known to be this one's goes then.
    const ours = nodesOfShip(nodes, props.sprite, props.nodeId);
    await removeNodes(control, another ? ours.filter(({ id }) => id === props.nodeId) : ours);
    if (!another) await removeShipSsh(props);
  },
});

/**
 * Whether a ship whose node is off line has lost its tailscaled: its VM is awake and does not answer a ping. A ship
 * that sleeps is off line too, and so is each ship for a while after the control plane was restarted. Wakes no ship.
 * False when the captain's own node is down.
 */
async function isLost(settings: Settings, { stack, provider, sprite, address }: TailnetNodeInputs & Outputs): Promise<boolean> {
  const sprites = await spritesOf(settings, { stack, provider });
  if ((await sprites.get(sprite))?.status !== "running") return false;
  const captain = await captainNode({ own: settings.captainNode === "own" }).catch(() => null);
  return captain !== null && !(await captain.cli.ping(address, ANSWER_MS));
}

/**
 * Makes sure that the ship's node is in the tailnet and that no other node of this voyage has its name: with a node of
 * an earlier life there, the new one would get a name with a number. What the ship says of its node decides only
 * whether it must join, so that a ship cannot have another machine removed.
 */
async function ensureJoined(
  control: TailnetControl,
  sprites: SpritesClient,
  { oldId, facts, anew, ...news }: TailnetNodeInputs & { oldId: string; facts: NodeFacts; anew: boolean },
): Promise<ListedNode> {
  // A node that joined by another URL of the same control plane would go on asking there.
  let isFit = !anew && facts.loginServer === (control.loginServer ?? "");
  for (let attempt = 1; ; attempt++) {
    // Asked first and outside of `try`: while the control plane is away, a ship's tailscaled does not answer either.
    const nodes = nodesOfShip(await control.listNodes(), news.sprite, oldId);
    try {
      const own = await shipNodeId(sprites, news.sprite);
      const kept = isFit && nodes.find((node) => node.id === own && isSound(node, news.sprite));
      await removeNodes(
        control,
        nodes.filter((node) => node !== kept),
      );
      if (kept) return kept;
      if (facts.wasThere || anew || attempt > 1) await forgetNode(sprites, news.sprite);
      isFit = true;
      await joinWithKey(control, sprites, news);
      return await listedNode(control, await shipNodeId(sprites, news.sprite), news.sprite);
    } catch (error) {
      // Seen seldom, on a busy machine: a node that is registered stays "Starting" for half a minute and more, and is
      // "Running" at once when tailscaled is restarted (docs/adr/ships-over-a-tailnet.md).
      if (attempt === JOIN_ATTEMPTS) throw error;
      await restartTailscaled(sprites, news.sprite);
    }
  }
}

/**
 * Lets the ship join by its key while that can be used, else by a key that is minted now, as after the loss of a node
 * that had used it.
 */
async function joinWithKey(control: TailnetControl, sprites: SpritesClient, news: TailnetNodeInputs): Promise<void> {
  const usable = (await control.getKey(news.keyId))?.usable ?? false;
  const { id, key } = usable ? { id: news.keyId, key: news.key } : await control.mintKey(news);
  try {
    await joinShip(sprites, news.sprite, { key, loginServer: control.loginServer });
  } finally {
    await control.deleteKey(id, news.voyageId);
  }
}

/** Waits until the captain reaches the ship's node, and writes ssh's settings for it. */
async function reach(captain: Captain, news: TailnetNodeInputs, { nodeId, user }: Outputs): Promise<void> {
  const peer = await reachNode(captain, nodeId, news.sprite, REACH_MS);
  await writeShipSsh(captain, { voyageId: news.voyageId, sprite: news.sprite, user, node: peer });
}
