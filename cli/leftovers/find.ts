import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { runningHarbor } from "../../lib/daemons/harbor.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import type { ProviderSettings } from "../../lib/sprites/types.ts";
import { readVoyageProvider } from "../../lib/voyage/provider.ts";
import type { Look } from "./leftover.ts";
import { leftOnMachine } from "./machine.ts";
import { type Ours, readOurs } from "./ours.ts";
import { stacksWithResources } from "./stacks.ts";
import { leftInTailnet } from "./tailnet.ts";
import { leftVms, type Provider } from "./vms.ts";

/**
 * Finds all that carries this captain's mark and belongs to no voyage at sea. It starts nothing; to see whether a VM
 * holds work it wakes that VM.
 *
 * @param options.isNear whether only what is on this machine is looked at, the harbor's VMs among it, and none is woken
 */
export async function findLeftovers({ isNear = false } = {}): Promise<Look> {
  const ours = await readOurs();
  let stacks: ReturnType<typeof stacksWithResources> | undefined;
  const askStacks = () => (stacks ??= stacksWithResources());
  const vms: Look = { left: [], notAsked: [] };
  for (const open of isNear ? [harbor] : [harbor, vendor])
    try {
      for (const provider of await open(ours))
        vms.left.push(...(await leftVms(provider, ours, { stacks: askStacks, mayWake: !isNear })));
    } catch (error) {
      vms.notAsked.push(explain(error));
    }
  const tailnet: Look = isNear
    ? { left: [], notAsked: [] }
    : await leftInTailnet(ours, vms).catch((error: unknown) => ({ left: [], notAsked: [`the tailnet: ${explain(error)}`] }));
  return {
    left: [...vms.left, ...tailnet.left, ...(await leftOnMachine(ours))],
    notAsked: [...vms.notAsked, ...tailnet.notAsked],
  };
}

/** The harbor, if it runs: one that does not has no VM that costs anything, and none is started for a look. */
async function harbor(): Promise<Provider[]> {
  const info = await runningHarbor();
  return info ? [{ name: "harbor", sprites: await openSprites({ kind: "harbor", baseUrl: info.url, token: info.token }) }] : [];
}

/** sprites.dev, by each token that is known: that of the environment, and those that voyages at sea have. */
async function vendor(ours: Ours): Promise<Provider[]> {
  const kept = await Promise.all([...ours.voyages.values()].map(({ folder }) => readVoyageProvider(folder).catch(() => null)));
  const own: ProviderSettings = {
    kind: "sprites",
    baseUrl: process.env.SPRITES_API_URL || undefined,
    token: process.env.SPRITE_TOKEN,
  };
  const all = [own, ...kept].filter((one): one is ProviderSettings => one?.kind === "sprites" && Boolean(one.token));
  const different = all.filter(({ token }, index) => all.findIndex((one) => one.token === token) === index);
  const isNeeded = [...ours.voyages.values()].some(({ file }) => file.organisation !== undefined);
  if (different.length === 0 && isNeeded)
    throw new OcaptainError("NO_TOKEN", "sprites.dev: the environment has no token for it (SPRITE_TOKEN)");
  return Promise.all(different.map(async (one) => ({ name: "sprites.dev", sprites: await openSprites(one) })));
}
