import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { DelegatedResource } from "../delegated-resource.ts";
import type { Args } from "../shared/args.ts";
import type { SpriteInputs } from "./inputs.ts";

/** One VM with the crew's files on it. */
export class Sprite extends DelegatedResource {
  declare readonly name: Output<string>;
  /** The platform's id of this life of the VM. */
  declare readonly incarnation: Output<string>;
  declare readonly url: Output<string>;

  constructor(name: string, args: Args<SpriteInputs>, opts?: CustomResourceOptions) {
    super("Sprite", "sprite", name, { ...args, incarnation: undefined, url: undefined, user: undefined, node: undefined }, opts);
  }
}
