import { type CustomResourceOptions, dynamic, type Output } from "@pulumi/pulumi";
import { Delegate } from "../delegate.ts";
import type { Args } from "../shared/args.ts";
import type { TailnetNodeInputs } from "./inputs.ts";

const tailnetNode = new Delegate("tailnet-node");

/** A ship as a node of the tailnet. */
export class TailnetNode extends dynamic.Resource {
  /** The node's IPv4 address in the tailnet. */
  declare readonly address: Output<string>;
  /** The node's id at the control plane. */
  declare readonly nodeId: Output<string>;
  /** The user that ssh logs in as. */
  declare readonly user: Output<string>;

  constructor(name: string, args: Args<TailnetNodeInputs>, opts?: CustomResourceOptions) {
    super(
      tailnetNode,
      name,
      { ...args, address: undefined, nodeId: undefined, user: undefined },
      opts,
      "ocaptain",
      "TailnetNode",
    );
  }
}
