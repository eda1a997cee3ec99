/**
 * What `import … from "ocaptain"` gives a Pulumi program of a user's own. `sail` alone is the whole of what this project's own program does:
 *
 *     import { sail } from "ocaptain";
 *     export const { voyage, ships, tasks, spend, workspace, helm, asOf } = await sail();
 */
import "./components/node-24.mjs";
import type { VoyageOutputs } from "./components/sail.ts";

export { Voyage, type VoyageArgs } from "./components/voyage.ts";
export type { VoyageOutputs };

/** Loaded when it is called: an older Node cannot load it, and is to be told so in one line. */
export const sail = async (): Promise<VoyageOutputs> => (await import("./components/sail.ts")).sail();
