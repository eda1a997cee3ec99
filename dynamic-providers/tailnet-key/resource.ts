import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { DelegatedResource } from "../delegated-resource.ts";
import type { Args } from "../shared/args.ts";
import type { TailnetKeyInputs } from "./inputs.ts";

/** The key with which one ship joins the tailnet, for one life of its VM. */
export class TailnetKey extends DelegatedResource {
  declare readonly key: Output<string>;
  declare readonly keyId: Output<string>;
  declare readonly expiresAt: Output<string>;

  constructor(name: string, args: Args<TailnetKeyInputs>, opts?: CustomResourceOptions) {
    super(
      "TailnetKey",
      "tailnet-key",
      name,
      { ...args, key: undefined, keyId: undefined, expiresAt: undefined, others: undefined },
      // A provider cannot say that what it returns is a secret (docs/facts/pulumi.md#secrets): the class has to.
      { ...opts, additionalSecretOutputs: [...(opts?.additionalSecretOutputs ?? []), "key"] },
    );
  }
}
