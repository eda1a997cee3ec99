import { existsSync } from "node:fs";
import type { VoyageIdentity } from "../../lib/voyage/identity.ts";
import { pulumiEnvironment } from "../pulumi/environment.ts";
import { type Ran, type RunOptions, pulumi as run } from "../pulumi/run.ts";
import { projectOf } from "./project.ts";

/** A stack, and how Pulumi is run on it. */
export type Stack = {
  name: string;
  /** The folder of its Pulumi project. */
  folder: string;
  env: Record<string, string | undefined>;
  /** Runs a command of Pulumi's on the stack: `pulumi(["config", "set", "ocaptain:ships", "4"])`. */
  pulumi(args: readonly string[], options?: Omit<RunOptions, "folder" | "env">): Promise<Ran>;
};

export function openStack(name: string, folder: string, settings?: string): Stack {
  // The settings may have been named by this variable when the voyage was sailed.
  const env = { ...pulumiEnvironment(folder), ...(settings && existsSync(settings) && { PULUMI_OPTION_CONFIG_FILE: settings }) };
  return { name, folder, env, pulumi: (args, options) => run([...args, "-s", name], { folder, env, ...options }) };
}

/**
 * The stack of a voyage that has been sailed, in the project that it was sailed from.
 * @throws OcaptainError PROJECT_GONE
 */
export const stackOf = async (voyage: VoyageIdentity): Promise<Stack> =>
  openStack(voyage.stack, await projectOf(voyage), voyage.sailedFrom?.settings);
