import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { DelegatedResource } from "../delegated-resource.ts";
import type { Args } from "../shared/args.ts";
import type { TailnetNodeInputs } from "./inputs.ts";

/** A ship as a node of the tailnet. */
export class TailnetNode extends DelegatedResource {
  /** The node's IPv4 address in the tailnet. */
  declare readonly address: Output<string>;
  /** The node's id at the control plane. */
  declare readonly nodeId: Output<string>;
  /** The user that ssh logs in as. */
  declare readonly user: Output<string>;

  constructor(name: string, args: Args<TailnetNodeInputs>, opts?: CustomResourceOptions) {
    super("TailnetNode", "tailnet-node", name, { ...args, address: undefined, nodeId: undefined, user: undefined }, opts);
  }
}
