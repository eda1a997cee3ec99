import { type CustomResourceOptions, dynamic, type Output } from "@pulumi/pulumi";
import { Delegate } from "../delegate.ts";
import type { Args } from "../shared/args.ts";
import type { SpriteInputs } from "./inputs.ts";

const sprite = new Delegate("sprite");

/** One VM with the crew's files on it. */
export class Sprite extends dynamic.Resource {
  declare readonly name: Output<string>;
  /** The platform's id of this life of the VM. */
  declare readonly incarnation: Output<string>;
  declare readonly url: Output<string>;

  constructor(name: string, args: Args<SpriteInputs>, opts?: CustomResourceOptions) {
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
