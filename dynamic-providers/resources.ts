import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import type { Plan, PlanNetwork, ProvisionStep } from "../lib/plan/types.ts";
import type { TailnetKind } from "../lib/tailnet/control/types.ts";
import { Delegate } from "./delegate.ts";

/**
 * The resource classes: types only, one shared Delegate a kind. What they do is in each kind's lifecycle.ts.
 * Undefined keys in the super calls declare outputs; `declare` keeps the fields from being reset (house-style §4).
 */
type Inputs<T> = { [K in keyof T]: Input<T[K]> };
type Provider = "harbor" | "sprites";
type Ship = { stack: string; voyageId: string; ship: string; sprite: string; incarnation: string; provider: Provider };
/** Not there in a voyage without a tailnet. */
type Tailnet = { control?: TailnetKind };

const muster = new Delegate("muster");
/** Who this voyage is; goes last, with the proof. */
export class Muster extends dynamic.Resource {
  declare readonly voyageId: Output<string>;
  declare readonly nonce: Output<string>;
  declare readonly captainId: Output<string>;
  constructor(name: string, args: Inputs<{ stack: string; provider: Provider } & Tailnet>, opts?: CustomResourceOptions) {
    super(muster, name, { ...args, voyageId: undefined, nonce: undefined, captainId: undefined }, opts, "ocaptain", "Muster");
  }
}

const workspace = new Delegate("workspace");
/** The captain's folder: repository, branch, checkout, artifacts. */
export class Workspace extends dynamic.Resource {
  declare readonly branch: Output<string>;
  constructor(
    name: string,
    args: Inputs<{ stack: string; voyageId: string; repo: string; spec: string; verify: string | null }>,
    opts?: CustomResourceOptions,
  ) {
    super(workspace, name, { ...args, branch: undefined }, opts, "ocaptain", "Workspace");
  }
}

const helm = new Delegate("helm");
type HelmArgs = {
  stack: string;
  voyageId: string;
  provider: Provider;
  hand: "rehearsal" | "claude";
  plan: Plan;
  budgetUsd?: number;
  leaseSeconds: number;
  lingerSeconds: number;
} & Tailnet;
/** The voyage's place at the helm, with its plan. */
export class Helm extends dynamic.Resource {
  declare readonly url: Output<string>;
  declare readonly port: Output<number>;
  declare readonly captain: Output<string>;
  constructor(name: string, args: Inputs<HelmArgs>, opts?: CustomResourceOptions) {
    super(helm, name, { ...args, url: undefined, port: undefined, captain: undefined }, opts, "ocaptain", "Helm");
  }
}

const sprite = new Delegate("sprite");
type SpriteArgs = {
  stack: string;
  voyageId: string;
  ship: string;
  name: string;
  provider: Provider;
  nonce: string;
  crewDigest: string;
  network: PlanNetwork | undefined;
} & Tailnet;
/** One VM with the crew's files on it. */
export class Sprite extends dynamic.Resource {
  declare readonly name: Output<string>;
  declare readonly incarnation: Output<string>;
  declare readonly url: Output<string>;
  constructor(name: string, args: Inputs<SpriteArgs>, opts?: CustomResourceOptions) {
    super(
      sprite,
      name,
      { ...args, incarnation: undefined, url: undefined, user: undefined, node: undefined },
      opts,
      "ocaptain",
      "Sprite",
    );
  }
}

const tailnetKey = new Delegate("tailnet-key");
type TailnetKeyArgs = Omit<Ship, "provider"> & { control: TailnetKind };
/** What one ship joins the tailnet with, in one VM life. */
export class TailnetKey extends dynamic.Resource {
  declare readonly key: Output<string>;
  declare readonly keyId: Output<string>;
  declare readonly expiresAt: Output<string>;
  constructor(name: string, args: Inputs<TailnetKeyArgs>, opts?: CustomResourceOptions) {
    super(
      tailnetKey,
      name,
      { ...args, key: undefined, keyId: undefined, expiresAt: undefined, others: undefined },
      // A provider cannot say that what it returns is a secret (facts: pulumi §6.7).
      { ...opts, additionalSecretOutputs: [...(opts?.additionalSecretOutputs ?? []), "key"] },
      "ocaptain",
      "TailnetKey",
    );
  }
}

const tailnetNode = new Delegate("tailnet-node");
type TailnetNodeArgs = Ship & {
  control: TailnetKind;
  keyId: string;
  key: string;
  captain: string;
  helmPort: number;
  digest: string;
};
/** A ship in the tailnet. */
export class TailnetNode extends dynamic.Resource {
  declare readonly address: Output<string>;
  declare readonly nodeId: Output<string>;
  declare readonly user: Output<string>;
  constructor(name: string, args: Inputs<TailnetNodeArgs>, opts?: CustomResourceOptions) {
    super(
      tailnetNode,
      name,
      { ...args, address: undefined, nodeId: undefined, user: undefined },
      opts,
      "ocaptain",
      "TailnetNode",
    );
  }
}

const mutagenSync = new Delegate("mutagen-sync");
/** One of a ship's three syncs. */
export class MutagenSync extends dynamic.Resource {
  declare readonly sessionName: Output<string>;
  constructor(
    name: string,
    args: Inputs<Ship & Tailnet & { session: "tasks" | "workspace" | "logs"; user?: string; nodeId?: string }>,
    opts?: CustomResourceOptions,
  ) {
    super(mutagenSync, name, { ...args, sessionName: undefined }, opts, "ocaptain", "MutagenSync");
  }
}

const tmuxLaunch = new Delegate("tmux-launch");
type LaunchArgs = Ship & {
  at?: string;
  crewDigest: string;
  credentialsDigest: string;
  provision: ProvisionStep[] | undefined;
  github: true | undefined;
  helmUrl: string;
  sessions: string[];
};
/** The crew at work in the ship's tmux. */
export class TmuxLaunch extends dynamic.Resource {
  declare readonly address: Output<string>;
  constructor(name: string, args: Inputs<LaunchArgs>, opts?: CustomResourceOptions) {
    super(tmuxLaunch, name, { ...args, address: undefined }, opts, "ocaptain", "TmuxLaunch");
  }
}
