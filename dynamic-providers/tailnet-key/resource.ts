import { type CustomResourceOptions, dynamic, type Output } from "@pulumi/pulumi";
import { Delegate } from "../delegate.ts";
import type { Args } from "../shared/args.ts";
import type { TailnetKeyInputs } from "./inputs.ts";

const tailnetKey = new Delegate("tailnet-key");

/** The key with which one ship joins the tailnet, for one life of its VM. */
export class TailnetKey extends dynamic.Resource {
  declare readonly key: Output<string>;
  declare readonly keyId: Output<string>;
  declare readonly expiresAt: Output<string>;

  constructor(name: string, args: Args<TailnetKeyInputs>, opts?: CustomResourceOptions) {
    super(
      tailnetKey,
      name,
      { ...args, key: undefined, keyId: undefined, expiresAt: undefined, others: undefined },
      // A provider cannot say that what it returns is a secret (docs/facts/pulumi.md#secrets): the class has to.
      { ...opts, additionalSecretOutputs: [...(opts?.additionalSecretOutputs ?? []), "key"] },
      "ocaptain",
      "TailnetKey",
    );
  }
}
