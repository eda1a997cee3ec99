import { type CustomResourceOptions, dynamic, type Output } from "@pulumi/pulumi";
import { Delegate } from "../delegate.ts";
import type { Args } from "../shared/args.ts";
import type { MutagenSyncInputs } from "./inputs.ts";

const mutagenSync = new Delegate("mutagen-sync");

/** One of a ship's three syncs. */
export class MutagenSync extends dynamic.Resource {
  declare readonly sessionName: Output<string>;

  constructor(name: string, args: Args<MutagenSyncInputs>, opts?: CustomResourceOptions) {
    super(mutagenSync, name, { ...args, sessionName: undefined }, opts, "ocaptain", "MutagenSync");
  }
}
