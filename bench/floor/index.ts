import { Config, type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { Delegate } from "./delegate.ts";

/** As many resources as a voyage has, in the same order (components/voyage.ts, ship.ts): 3 + 5 a ship. */
const kinds = {
  muster: new Delegate("muster"),
  workspace: new Delegate("workspace"),
  helm: new Delegate("helm"),
  sprite: new Delegate("sprite"),
  sync: new Delegate("sync"),
  launch: new Delegate("launch"),
};

class Empty extends dynamic.Resource {
  declare readonly made: Output<string>;
  constructor(kind: keyof typeof kinds, name: string, needs: Input<string>[], opts?: CustomResourceOptions) {
    super(kinds[kind], name, { name, needs, made: undefined }, opts, "floor", kind);
  }
}

const muster = new Empty("muster", "muster", []);
const workspace = new Empty("workspace", "workspace", [muster.made]);
const helm = new Empty("helm", "helm", [muster.made], { dependsOn: workspace });

export const launches = Array.from({ length: new Config().requireNumber("ships") }, (_, i) => {
  const sprite = new Empty("sprite", `ship-${i}`, [muster.made], { dependsOn: helm });
  const syncs = ["tasks", "workspace", "logs"].map((kind) => new Empty("sync", `ship-${i}-${kind}`, [sprite.made]));
  return new Empty("launch", `ship-${i}-crew`, [sprite.made, helm.made, ...syncs.map((sync) => sync.made)]).made;
});
