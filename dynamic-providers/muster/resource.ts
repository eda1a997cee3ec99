import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { DelegatedResource } from "../delegated-resource.ts";
import type { Args } from "../shared/args.ts";
import type { MusterInputs } from "./inputs.ts";

/** The identity of a voyage: it is made first and deleted last, with the proof that nothing is left. */
export class Muster extends DelegatedResource {
  declare readonly voyageId: Output<string>;
  declare readonly nonce: Output<string>;
  declare readonly captainId: Output<string>;

  constructor(name: string, args: Args<MusterInputs>, opts?: CustomResourceOptions) {
    super("Muster", "muster", name, { ...args, voyageId: undefined, nonce: undefined, captainId: undefined }, opts);
  }
}
