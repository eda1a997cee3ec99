import { type CustomResourceOptions, dynamic, type Output } from "@pulumi/pulumi";
import { Delegate } from "../delegate.ts";
import type { Args } from "../shared/args.ts";
import type { WorkspaceInputs } from "./inputs.ts";

const workspace = new Delegate("workspace");

/** The captain's folder of a voyage: repository, branch, checkout and the plan's artifacts. */
export class Workspace extends dynamic.Resource {
  declare readonly branch: Output<string>;

  constructor(name: string, args: Args<WorkspaceInputs>, opts?: CustomResourceOptions) {
    super(workspace, name, { ...args, branch: undefined }, opts, "ocaptain", "Workspace");
  }
}
