import { OcaptainError } from "../../lib/base/errors.ts";
import { said } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { crewFiles } from "../../lib/ship/crew-pack.ts";
import { parseShipFacts, provisionArgv, provisionStdin, SHIP_PLACES } from "../../lib/ship/install.ts";
import { holdArgv } from "../../lib/sprites/keep-awake.ts";
import { allowOnly, samePolicy } from "../../lib/sprites/network-policy.ts";
import type { SpriteInfo, SpritesClient } from "../../lib/sprites/types.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { captainLabel, labelsOf, otherCaptain, voyageLabels } from "../../lib/voyage/labels.ts";
import { defineLifecycle, PartlyMade, type Settings } from "../lifecycle.ts";
import { leaveNothingAboard } from "../shared/bring-home.ts";
import { endOtherLives } from "../shared/other-lives.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { takenOver } from "../shared/taken-over.ts";
import { SpriteInputs } from "./inputs.ts";

/**
 * `incarnation`: the platform's own id of this life of the VM. `user`: the user that commands run as on the VM. `node`:
 * the VM's version of Node. The user's home is left out, because an unconfined ship's home is a path on the captain's
 * machine, and state holds none.
 */
type Outputs = { incarnation: string; url: string; user: string; node: string };

/**
 * One VM, with the plan's network policy and the crew's files on it. Only `reconcile` compares the policy: a `read`
 * would wake the ship for it, and nobody on the ship can change it.
 */
export const spriteLifecycle = defineLifecycle<SpriteInputs, Outputs>({
  inputs: SpriteInputs,
  id: (news) => news.name,
  replaceOn: ["name", "provider"],

  async reconcile(settings, news, olds) {
    const sprites = await spritesOf(settings, news);
    const tell = (text: string) => console.error(`${news.ship}: ${text}`);
    const live = await makeOrFind(sprites, news, tell);
    const base = { incarnation: live.id, url: live.url };
    try {
      // This comes before the first exec, since an old sync cannot reach a VM that was never awake.
      await endOtherLives({ ...news, incarnation: live.id });
      const policy = keepPolicy(sprites, news);
      if (news.network) await policy; // before anything is put on the VM
      const [facts] = await Promise.all([board(sprites, news), policy]);
      return { ...base, ...facts };
    } catch (error) {
      throw new PartlyMade({ ...olds, ...base }, error);
    }
  },

  async read(settings, props) {
    const sprites = await spritesOf(settings, props);
    const live = await sprites.get(props.name);
    // The VM is gone, or another's has its name: then `up` tries to make it and meets the conflict, and `destroy`
    // leaves it alone.
    if (!live || !voyageLabels(props).every((label) => live.labels.includes(label))) return null;
    const isMine = !(await isHandedOver(settings, props, live));
    const present = props.present && live.id === props.incarnation && isMine;
    return { ...props, incarnation: live.id, url: live.url, present };
  },

  async remove(settings, props) {
    const sprites = await spritesOf(settings, props);
    const live = await sprites.get(props.name);
    if (!live || live.id !== props.incarnation) return;
    // The state may not know of a crew and syncs that are there: it can have lost them, and an `up` that died recorded
    // none.
    await leaveNothingAboard(settings, sprites, shipOf(props));
    await sprites.remove(props.name);
    await forget(props);
  },
});

/** The ship as its syncs know it. Over a tailnet, ssh logs in as a named user. */
const shipOf = ({ name, network, nonce, crewDigest, url, node, user, ...ship }: SpriteInputs & Outputs) => ({
  ...ship,
  sprite: name,
  ...(ship.control && { user }),
});

/** Tells the helm to forget a ship that is gone, so that the helm does not count it as lost. */
async function forget({ voyageId, ship, incarnation }: SpriteInputs & Outputs): Promise<void> {
  const helm = helmClient();
  const known = await helm.ship(voyageId, ship).catch(() => null);
  if (known?.incarnation === incarnation) await helm.forgetShip(voyageId, ship);
}

/** Makes the voyage's VM, or finds it again, and marks it as this captain's, which one handed over is not yet. */
async function makeOrFind(sprites: SpritesClient, of: SpriteInputs, tell: (text: string) => void): Promise<SpriteInfo> {
  const me = await captainId();
  const live = await sprites.create(of.name, voyageLabels(of), tell, [captainLabel(me)]);
  return live.labels.includes(captainLabel(me)) ? live : sprites.setLabels(of.name, labelsOf(live.labels, me));
}

/**
 * Tells whether a VM is marked as another captain's whose voyage this one takes over. One that has taken the voyage
 * from here is not stopped by what this machine's state and folder say, and must not be.
 * @throws OcaptainError TAKEN_OVER
 */
async function isHandedOver(settings: Settings, { stack, name }: SpriteInputs, live: SpriteInfo): Promise<boolean> {
  const other = otherCaptain(live.labels, await captainId());
  if (other === undefined || settings.handover === other) return other !== undefined;
  throw takenOver(stack, other, `sprite ${name} is marked as that captain's`);
}

/**
 * Sets the network policy where it differs; setting it drops the VM's connections. A plan without a policy is compared
 * too, since an `up` that was cut off may have left one that nothing else tells of.
 */
async function keepPolicy(sprites: SpritesClient, { name, network }: SpriteInputs): Promise<void> {
  const wanted = network ? allowOnly(network.allow) : [];
  if (!samePolicy(await sprites.networkPolicy(name), wanted)) await sprites.setNetworkPolicy(name, wanted);
}

/**
 * Keeps a ship awake from its first exec until its crew does so itself. Syncs are made in between, and their ssh keeps
 * no ship awake.
 */
const BOARDING_HOLD_SECONDS = 60;

/**
 * Wakes the ship by one exec, which puts the crew's files there, makes its folders, and tells its user and its version
 * of Node.
 */
async function board(sprites: SpritesClient, { stack, name }: SpriteInputs) {
  const files = await crewFiles();
  const stdin = provisionStdin({ files, ...SHIP_PLACES, run: holdArgv(BOARDING_HOLD_SECONDS) });
  const result = await sprites.exec(name, provisionArgv(), { stdin });
  if (result.exitCode !== 0)
    throw new OcaptainError("BOARDING", `the crew's files could not be put on ${name}: ${said(result.stderr)}`, {
      hint: `pulumi up -s ${stack}  # it goes on where it stopped`,
    });
  const { user, node } = parseShipFacts(name, result.stdout);
  return { user, node };
}
