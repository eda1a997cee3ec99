import { OcaptainError } from "../../lib/base/errors.ts";
import { said } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { crewFiles } from "../../lib/ship/crew-pack.ts";
import { parseShipFacts, provisionArgv, provisionStdin, SHIP_PLACES } from "../../lib/ship/install.ts";
import { holdArgv } from "../../lib/sprites/keep-awake.ts";
import { allowOnly, samePolicy } from "../../lib/sprites/network-policy.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { defineLifecycle, PartlyMade } from "../lifecycle.ts";
import { leaveNothingAboard } from "../shared/bring-home.ts";
import { endOtherLives } from "../shared/other-lives.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { SpriteInputs } from "./inputs.ts";

/** `incarnation`: the platform's own id of this VM life. `user`: whom an exec runs as there. Not its home: an unconfined ship's is a path of the captain's (design 16). */
type Outputs = { incarnation: string; url: string; user: string; node: string };

/**
 * One VM, with the plan's network policy and the crew's files on it. `read` does not look at the policy, which would wake the ship: each reconcile does.
 * Nobody on the ship can change it.
 */
export const spriteLifecycle = defineLifecycle<SpriteInputs, Outputs>({
  inputs: SpriteInputs,
  id: (news) => news.name,
  replaceOn: ["name", "provider"],

  async reconcile(settings, news, olds) {
    const sprites = await spritesOf(settings, news);
    const live = await sprites.create(news.name, labels(news)); // finds it again when it is there and ours
    const base = { incarnation: live.id, url: live.url };
    try {
      await endOtherLives({ ...news, incarnation: live.id }); // before the first exec: a VM that was never awake has met no sync
      const policy = keepPolicy(sprites, news);
      if (news.network) await policy; // before anything is put on it
      const [facts] = await Promise.all([board(sprites, news.name), policy]);
      return { ...base, ...facts };
    } catch (error) {
      throw new PartlyMade({ ...olds, ...base }, error);
    }
  },

  async read(settings, props) {
    const sprites = await spritesOf(settings, props);
    const live = await sprites.get(props.name);
    // Gone, or another's under our name: then `up` makes it and meets the conflict, and `destroy` leaves it alone.
    if (!live || !labels(props).every((label) => live.labels.includes(label))) return null;
    return { ...props, incarnation: live.id, url: live.url, present: props.present && live.id === props.incarnation };
  },

  async remove(settings, props) {
    const sprites = await spritesOf(settings, props);
    const live = await sprites.get(props.name);
    if (!live || live.id !== props.incarnation) return;
    // Crew and syncs went before it, if the state knows of them. A state can have lost them, and an `up` that died recorded none.
    await leaveNothingAboard(settings, sprites, shipOf(props));
    await sprites.remove(props.name);
    await forget(props);
  },
});

/** As its syncs know it: in a tailnet ssh logs in by name. */
const shipOf = ({ name, network, nonce, crewDigest, url, node, user, ...ship }: SpriteInputs & Outputs) => ({
  ...ship,
  sprite: name,
  ...(ship.control && { user }),
});

/** A ship that is no more is not one that the helm misses. */
async function forget({ voyageId, ship, incarnation }: SpriteInputs & Outputs): Promise<void> {
  const helm = helmClient();
  const known = await helm.ship(voyageId, ship).catch(() => null);
  if (known?.incarnation === incarnation) await helm.forgetShip(voyageId, ship);
}

const labels = (of: { voyageId: string; nonce: string }) => ["ocaptain", `voyage-${of.voyageId}`, `nonce-${of.nonce}`];

/**
 * Sets it only where it differs, as the vendor drops connections when it is set. Looked at also when the plan has none: it may be left from an `up` that was
 * cut off, of which nothing else is known.
 */
async function keepPolicy(sprites: SpritesClient, { name, network }: SpriteInputs): Promise<void> {
  const wanted = network ? allowOnly(network.allow) : [];
  if (!samePolicy(await sprites.networkPolicy(name), wanted)) await sprites.setNetworkPolicy(name, wanted);
}

/** Keeps a ship awake from its first exec until its crew has a hold of its own: its syncs are made in between, and their ssh holds nothing. */
const BOARDING_HOLD_SECONDS = 60;

/** One exec: wakes the ship, puts the crew's files there, makes its folders, and asks who and where it is. */
async function board(sprites: SpritesClient, name: string) {
  const files = await crewFiles();
  const stdin = provisionStdin({ files, ...SHIP_PLACES, run: holdArgv(BOARDING_HOLD_SECONDS) });
  const result = await sprites.exec(name, provisionArgv(), { stdin });
  if (result.exitCode !== 0)
    throw new OcaptainError("BOARDING", `${name}: the crew could not board: ${said(result.stderr)}`, {
      hint: "pulumi up  # it goes on where it stopped",
    });
  const { user, node } = parseShipFacts(name, result.stdout);
  return { user, node };
}
