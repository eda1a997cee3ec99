import { type ListedNode, SHIP_TAG, type TailnetControl } from "../../lib/tailnet/control/types.ts";
import { defineLifecycle } from "../lifecycle.ts";
import { controlOf } from "../shared/tailnet-control.ts";
import { TailnetKeyInputs } from "./inputs.ts";

/**
 * `key` is a secret (the resource class says so to Pulumi). `others`: ids of nodes that had the ship's host name
 * already when the key was minted, and so did not join by it: they are of an earlier life, and nobody has removed them
 * yet.
 */
type Outputs = { key: string; keyId: string; expiresAt: string; others: string[] };

/**
 * A key with which one ship joins the tailnet in one incarnation. TailnetNode uses it, and deletes it at the control
 * plane when the ship has joined. From then on the ship's node stands for the key, so a later `up` changes nothing.
 */
export const tailnetKeyLifecycle = defineLifecycle<TailnetKeyInputs, Outputs>({
  inputs: TailnetKeyInputs,
  id: (news) => `${news.sprite}-key`,
  replaceOn: [],
  // The ships' nodes are in the tailnet of one control plane, and another one could not remove them.
  fixed: ["control"],

  async reconcile(settings, news, olds) {
    const control = await controlOf(settings, news);
    const had = whole(olds);
    if (had && olds?.incarnation === news.incarnation && (await satisfied(control, { ...news, ...had }))) return had;
    if (had) await control.deleteKey(had.keyId, news.voyageId); // nobody can use it any more
    const others = (await control.listNodes()).filter((node) => isLive(node, news.sprite)).map(({ id }) => id);
    const { key, id, expiresAt } = await control.mintKey(news);
    return { key, keyId: id, expiresAt, others };
  },

  async read(settings, props) {
    const control = await controlOf(settings, props);
    return { ...props, present: props.present && (await satisfied(control, props)) };
  },

  async remove(settings, props) {
    if (props.keyId) await (await controlOf(settings, props)).deleteKey(props.keyId, props.voyageId);
  },
});

/** Whether the ship can still join by the key, or has joined. */
async function satisfied(control: TailnetControl, { keyId, sprite, others }: TailnetKeyInputs & Outputs): Promise<boolean> {
  if ((await control.getKey(keyId))?.usable) return true;
  return (await control.listNodes()).some((node) => isLive(node, sprite) && !others.includes(node.id));
}

/**
 * Whether a node is the ship's and works: an expired one must join again, and the policy lets none in that has other
 * tags.
 */
const isLive = (node: ListedNode, sprite: string) => node.hostname === sprite && !node.expired && node.tags.includes(SHIP_TAG);

/** The outputs of state, or null when some are missing. */
const whole = (olds: Partial<TailnetKeyInputs & Outputs> | null): Outputs | null =>
  olds?.key && olds.keyId && olds.expiresAt && olds.others
    ? { key: olds.key, keyId: olds.keyId, expiresAt: olds.expiresAt, others: olds.others }
    : null;
