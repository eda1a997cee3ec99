import { type CustomResourceOptions, dynamic, type Output } from "@pulumi/pulumi";
import { Delegate } from "../delegate.ts";
import type { Args } from "../shared/args.ts";
import type { HelmInputs } from "./inputs.ts";

const helm = new Delegate("helm");

/** The voyage at the helm: its registration, with the whole plan. */
export class Helm extends dynamic.Resource {
  /** The base URL at which ships reach the helm; in a tailnet that is the ship's own end of the way to it. */
  declare readonly url: Output<string>;
  declare readonly port: Output<number>;
  /** The captain's IPv4 address in the tailnet; "" without a tailnet. */
  declare readonly captain: Output<string>;

  constructor(name: string, args: Args<HelmInputs>, opts?: CustomResourceOptions) {
    super(helm, name, { ...args, url: undefined, port: undefined, captain: undefined }, opts, "ocaptain", "Helm");
  }
}
