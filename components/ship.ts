import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  output,
  type Resource,
} from "@pulumi/pulumi";
import { MutagenSync, Sprite, TmuxLaunch } from "../dynamic-providers/resources.ts";
import { spriteName } from "../lib/naming.ts";
import type { Plan } from "../lib/plan-types.ts";

export type ShipArgs = {
  stack: string;
  provider: "harbor" | "sprites";
  voyageId: Input<string>;
  nonce: Input<string>;
  helmUrl: Input<string>;
  crewDigest: string;
  credentialsDigest: string;
  /** What it asks of each ship. */
  plan: Pick<Plan, "provision" | "network" | "github">;
  /** What must be there before any VM is made: the helm with the plan, the captain's step at sink. */
  after: Resource[];
};

/** One VM of the fleet with its syncs and its crew: Sprite → MutagenSync ×3 → TmuxLaunch (design 5). */
export class Ship extends ComponentResource {
  /** `ship-<i>`. */
  readonly ship: string;
  /** Name at the provider. */
  readonly sprite: Output<string>;
  /** The platform's id of this VM life. */
  readonly incarnation: Output<string>;
  /** How the captain's tools reach it; known once its crew is ready. */
  readonly address: Output<string>;

  constructor(ship: string, args: ShipArgs, opts?: ComponentResourceOptions) {
    super("ocaptain:index:Ship", ship, {}, opts);
    this.ship = ship;
    const { stack, provider, voyageId, nonce, helmUrl, crewDigest, credentialsDigest, after } = args;
    const { provision, network, github } = args.plan;
    const name = output(voyageId).apply((id) => spriteName(stack, id, ship));
    const sprite = new Sprite(
      ship,
      { stack, provider, voyageId, nonce, crewDigest, ship, name, network },
      { parent: this, dependsOn: after },
    );
    const hull = { stack, provider, voyageId, ship, sprite: sprite.name, incarnation: sprite.incarnation };
    const syncs = (["tasks", "workspace", "logs"] as const).map(
      (session) => new MutagenSync(`${ship}-${session}`, { ...hull, session }, { parent: this }),
    );
    const sessions = all(syncs.map((sync) => sync.sessionName));
    const launch = new TmuxLaunch(
      `${ship}-crew`,
      { ...hull, crewDigest, credentialsDigest, provision, github, helmUrl, sessions },
      { parent: this },
    );
    this.sprite = sprite.name;
    this.incarnation = sprite.incarnation;
    this.address = launch.address;
    this.registerOutputs({ sprite: this.sprite, incarnation: this.incarnation, address: this.address });
  }
}
