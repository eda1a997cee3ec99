import { Config, type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { Delegate } from "./delegate.ts";

const provider = new Delegate("recorded");

class Recorded extends dynamic.Resource {
  declare readonly made: Output<string>;
  constructor(name: string, needs: Input<string>[], version: number, opts?: CustomResourceOptions) {
    super(provider, name, { name, needs, version, made: undefined }, opts, "recorded", "Recorded");
  }
}

const config = new Config();
const version = config.requireNumber("version");
const muster = new Recorded("muster", [], 1);
const workspace = new Recorded("workspace", [muster.made], 1);
// A changed plan is another input of the helm alone.
const helm = new Recorded("helm", [muster.made], version, { dependsOn: workspace });

export const launches = Array.from({ length: config.requireNumber("ships") }, (_, i) => {
  const sprite = new Recorded(`ship-${i}`, [muster.made], 1, { dependsOn: helm });
  const syncs = ["tasks", "workspace", "logs"].map((kind) => new Recorded(`ship-${i}-${kind}`, [muster.made, sprite.made], 1));
  return new Recorded(`ship-${i}-crew`, [muster.made, sprite.made, helm.made, ...syncs.map((sync) => sync.made)], 1).made;
});
