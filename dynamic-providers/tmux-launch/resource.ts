import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { DelegatedResource } from "../delegated-resource.ts";
import type { Args } from "../shared/args.ts";
import type { TmuxLaunchInputs } from "./inputs.ts";

/** The crew at work in the ship's tmux. */
export class TmuxLaunch extends DelegatedResource {
  /** How the captain's tools reach the ship: `user@address`. */
  declare readonly address: Output<string>;

  constructor(name: string, args: Args<TmuxLaunchInputs>, opts?: CustomResourceOptions) {
    super("TmuxLaunch", "tmux-launch", name, { ...args, address: undefined }, opts);
  }
}
