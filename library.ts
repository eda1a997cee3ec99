/**
 * The package that `import … from "ocaptain"` gives a user's own Pulumi program. A call of `sail` does the same as the
 * whole program of this project:
 *
 *     import { sail } from "ocaptain";
 *     export const { summary, voyage, ships, tasks, spend, workspace, helm, asOf } = await sail();
 */
import "./components/node-24.mjs";
import type { VoyageOutputs } from "./components/sail.ts";

export { Voyage, type VoyageArgs } from "./components/voyage.ts";
export type { VoyageOutputs };

/**
 * Sails the stack's voyage. The code is loaded only when this is called: an older Node cannot load it, and node-24.mjs
 * must first be able to say so in one line.
 */
export const sail = async (): Promise<VoyageOutputs> => (await import("./components/sail.ts")).sail();
