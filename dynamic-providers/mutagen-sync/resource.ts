import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { DelegatedResource } from "../delegated-resource.ts";
import type { Args } from "../shared/args.ts";
import type { MutagenSyncInputs } from "./inputs.ts";

/** One of a ship's three syncs. */
export class MutagenSync extends DelegatedResource {
  declare readonly sessionName: Output<string>;

  constructor(name: string, args: Args<MutagenSyncInputs>, opts?: CustomResourceOptions) {
    super("MutagenSync", "mutagen-sync", name, { ...args, sessionName: undefined }, opts);
  }
}
