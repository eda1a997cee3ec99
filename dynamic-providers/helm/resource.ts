import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { DelegatedResource } from "../delegated-resource.ts";
import type { Args } from "../shared/args.ts";
import type { HelmInputs } from "./inputs.ts";

/** The voyage at the helm: its registration, with the plan. */
export class Helm extends DelegatedResource {
  /** The base URL at which ships reach the helm; in a tailnet that is the ship's own end of the way to it. */
  declare readonly url: Output<string>;
  declare readonly port: Output<number>;
  /** The captain's IPv4 address in the tailnet; "" without a tailnet. */
  declare readonly captain: Output<string>;

  constructor(name: string, args: Args<HelmInputs>, opts?: CustomResourceOptions) {
    super("Helm", "helm", name, { ...args, url: undefined, port: undefined, captain: undefined }, opts);
  }
}
