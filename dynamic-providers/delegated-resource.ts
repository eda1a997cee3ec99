import { CustomResource, type CustomResourceOptions } from "@pulumi/pulumi";
import { Delegate } from "./delegate.ts";

/**
 * A resource whose provider is the {@link Delegate} of its kind. To the engine and in state it is what a
 * `dynamic.Resource` of Pulumi's is. That class finds out what a provider captures, for which each run of the program
 * loads TypeScript and parses every method with it (docs/bench.md); a Delegate captures nothing.
 */
export abstract class DelegatedResource extends CustomResource {
  /** `type` is the resource's name in its URN, and `kind` its lifecycle's name in `host.ts`: both stay for ever. */
  constructor(type: string, kind: string, name: string, props: Record<string, unknown>, opts?: CustomResourceOptions) {
    super(`pulumi-nodejs:dynamic/ocaptain:${type}`, name, { ...props, __provider: sourceOf(kind) }, opts);
  }
}

/**
 * The source of the class without its indentation, its empty lines, the blanks that stand for types, and its comments,
 * none of which stands after code.
 */
const source = String(Delegate)
  .split("\n")
  .map((line) => line.trim().replaceAll(/ {3,}/g, ""))
  .filter((line) => line && !line.startsWith("//"))
  .join("\n");

/** The source of a module whose `handler` makes the Delegate of a kind, as Pulumi's provider process runs it. */
export const sourceOf = (kind: string) => `${source}\nexports.handler = () => new Delegate(${JSON.stringify(kind)});\n`;
