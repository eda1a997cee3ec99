import { type CustomResourceOptions, dynamic, type Output } from "@pulumi/pulumi";
import { Delegate } from "../delegate.ts";
import type { Args } from "../shared/args.ts";
import type { MusterInputs } from "./inputs.ts";

const muster = new Delegate("muster");

/** The identity of a voyage: it is made first and deleted last, with the proof that nothing is left. */
export class Muster extends dynamic.Resource {
  declare readonly voyageId: Output<string>;
  declare readonly nonce: Output<string>;
  declare readonly captainId: Output<string>;

  constructor(name: string, args: Args<MusterInputs>, opts?: CustomResourceOptions) {
    super(muster, name, { ...args, voyageId: undefined, nonce: undefined, captainId: undefined }, opts, "ocaptain", "Muster");
  }
}
