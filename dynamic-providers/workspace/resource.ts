import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { DelegatedResource } from "../delegated-resource.ts";
import type { Args } from "../shared/args.ts";
import type { WorkspaceInputs } from "./inputs.ts";

/** The captain's folder of a voyage: repository, branch, checkout and the plan's artifacts. */
export class Workspace extends DelegatedResource {
  declare readonly branch: Output<string>;

  constructor(name: string, args: Args<WorkspaceInputs>, opts?: CustomResourceOptions) {
    super("Workspace", "workspace", name, { ...args, branch: undefined }, opts);
  }
}
