import { SHIP_TAG, type TailnetControl, type TailnetNode } from "../../lib/tailnet/control/types.ts";
import { defineLifecycle } from "../lifecycle.ts";
import { controlOf } from "../shared/tailnet-control.ts";
import { TailnetKeyInputs } from "./inputs.ts";

/**
 * `key` is a secret (resources.ts names it). `others`: ids of the nodes that carried the ship's host name already when the key was minted, so not
 * by this key: an earlier life's, which nobody has removed yet.
 */
type Outputs = { key: string; keyId: string; expiresAt: string; others: string[] };

/**
 * A key for one ship and one incarnation to join the tailnet with. It is put on no ship and used by no one here: TailnetNode does that, and deletes it
 * when the ship has joined, for it is of no use then. From then on the node is what satisfies it, so a later `up` changes nothing.
 */
export const tailnetKeyLifecycle = defineLifecycle<TailnetKeyInputs, Outputs>({
  inputs: TailnetKeyInputs,
  id: (news) => `${news.sprite}-key`,
  replaceOn: [],
  // The ships' nodes are in the tailnet of the one, and could not be removed by the other.
  fixed: ["control"],

  async reconcile(settings, news, olds) {
    const control = await controlOf(settings, news);
    const had = whole(olds);
    if (had && olds?.incarnation === news.incarnation && (await satisfied(control, { ...news, ...had }))) return had;
    if (had) await control.deleteKey(had.keyId, news.voyageId); // of no use to anybody any more
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

/** Can the ship still join by it, or has it joined? */
async function satisfied(control: TailnetControl, { keyId, sprite, others }: TailnetKeyInputs & Outputs): Promise<boolean> {
  if ((await control.getKey(keyId))?.usable) return true;
  return (await control.listNodes()).some((node) => isLive(node, sprite) && !others.includes(node.id));
}

/** An expired node must join anew; one with other tags is not what the policy lets in. */
const isLive = (node: TailnetNode, sprite: string) => node.hostname === sprite && !node.expired && node.tags.includes(SHIP_TAG);

const whole = (olds: Partial<TailnetKeyInputs & Outputs> | null): Outputs | null =>
  olds?.key && olds.keyId && olds.expiresAt && olds.others
    ? { key: olds.key, keyId: olds.keyId, expiresAt: olds.expiresAt, others: olds.others }
    : null;
