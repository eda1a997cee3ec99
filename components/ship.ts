import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  interpolate,
  type Output,
  output,
  type Resource,
} from "@pulumi/pulumi";
import { MutagenSync } from "../dynamic-providers/mutagen-sync/resource.ts";
import type { Args } from "../dynamic-providers/shared/args.ts";
import type { ShipOfProvider } from "../dynamic-providers/shared/ship-identity.ts";
import { Sprite } from "../dynamic-providers/sprite/resource.ts";
import { TailnetKey } from "../dynamic-providers/tailnet-key/resource.ts";
import { TailnetNode } from "../dynamic-providers/tailnet-node/resource.ts";
import { TmuxLaunch } from "../dynamic-providers/tmux-launch/resource.ts";
import { spriteName } from "../lib/base/naming.ts";
import type { Plan } from "../lib/plan/types.ts";
import type { ProviderKind, TailnetKind } from "../lib/protocol/choices.ts";

export type ShipTailnet = {
  control: TailnetKind;
  /** The captain's address in the tailnet; `helmPort` is the helm's port there. */
  captain: Input<string>;
  helmPort: Input<number>;
  /** The digest of the files that are put on ships for the tailnet. */
  digest: string;
};

export type ShipArgs = {
  stack: string;
  provider: ProviderKind;
  voyageId: Input<string>;
  nonce: Input<string>;
  helmUrl: Input<string>;
  crewDigest: string;
  credentialsDigest: string;
  /** The tailnet that the ship joins; without one, the ship is reached by its name at the provider. */
  tailnet?: ShipTailnet | undefined;
  /** The parts of the plan that concern each ship. */
  plan: Pick<Plan, "provision" | "network" | "github">;
  /**
   * The resources that must be there before any VM is made: the helm with the plan, and the captain's step for the
   * destroy.
   */
  after: Resource[];
};

/**
 * One VM of the fleet with its syncs and its crew: Sprite → (TailnetKey → TailnetNode →) MutagenSync ×3 → TmuxLaunch.
 * The reasons for this order are in docs/design.md#order.
 */
export class Ship extends ComponentResource {
  /** The ship's name, `ship-<i>`. */
  readonly ship: string;
  /** The VM's name at the provider. */
  readonly sprite: Output<string>;
  /** The platform's id of this life of the VM. */
  readonly incarnation: Output<string>;
  /** The address at which the captain's tools reach the ship, known once its crew is ready. */
  readonly address: Output<string>;

  constructor(ship: string, args: ShipArgs, opts?: ComponentResourceOptions) {
    super("ocaptain:index:Ship", ship, {}, opts);
    this.ship = ship;
    const { stack, provider, voyageId, nonce, helmUrl, crewDigest, credentialsDigest, tailnet, after } = args;
    const { provision, network, github } = args.plan;
    const control = tailnet && { control: tailnet.control };
    const name = output(voyageId).apply((id) => spriteName(stack, id, ship));
    const sprite = new Sprite(
      ship,
      { stack, provider, voyageId, nonce, crewDigest, ship, name, network, ...control },
      { parent: this, dependsOn: after },
    );
    const hull = { stack, provider, voyageId, ship, sprite: sprite.name, incarnation: sprite.incarnation };
    const node = tailnet && joinTailnet(hull, tailnet, this);
    const way = node && { ...control, user: node.user, nodeId: node.nodeId };
    const syncs = (["tasks", "workspace", "logs"] as const).map(
      (session) => new MutagenSync(`${ship}-${session}`, { ...hull, ...way, session }, { parent: this }),
    );
    const sessions = all(syncs.map((sync) => sync.sessionName));
    const launch = new TmuxLaunch(
      `${ship}-crew`,
      {
        ...hull,
        crewDigest,
        credentialsDigest,
        provision,
        github,
        helmUrl,
        sessions,
        ...(node && { at: interpolate`${node.user}@${node.address}` }),
      },
      { parent: this },
    );
    this.sprite = sprite.name;
    this.incarnation = sprite.incarnation;
    this.address = launch.address;
    this.registerOutputs({ sprite: this.sprite, incarnation: this.incarnation, address: this.address });
  }
}

/** The inputs that all resources of a ship share. `ship` itself is known before anything is made. */
type Hull = Args<ShipOfProvider> & { ship: string };

/** Makes the resources by which a ship joins a tailnet. */
function joinTailnet(hull: Hull, { control, captain, helmPort, digest }: ShipTailnet, parent: Resource): TailnetNode {
  const { provider, ...ship } = hull;
  const { key, keyId } = new TailnetKey(`${hull.ship}-key`, { ...ship, control }, { parent });
  return new TailnetNode(`${hull.ship}-node`, { ...ship, provider, control, key, keyId, captain, helmPort, digest }, { parent });
}
