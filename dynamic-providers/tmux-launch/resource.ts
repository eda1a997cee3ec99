import { type CustomResourceOptions, dynamic, type Output } from "@pulumi/pulumi";
import { Delegate } from "../delegate.ts";
import type { Args } from "../shared/args.ts";
import type { TmuxLaunchInputs } from "./inputs.ts";

const tmuxLaunch = new Delegate("tmux-launch");

/** The crew at work in the ship's tmux. */
export class TmuxLaunch extends dynamic.Resource {
  /** How the captain's tools reach the ship: `user@address`. */
  declare readonly address: Output<string>;

  constructor(name: string, args: Args<TmuxLaunchInputs>, opts?: CustomResourceOptions) {
    super(tmuxLaunch, name, { ...args, address: undefined }, opts, "ocaptain", "TmuxLaunch");
  }
}
