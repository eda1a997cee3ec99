import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { voyageFolder } from "../../lib/base/paths.ts";
import type { Settings } from "../lifecycle.ts";

/**
 * Keeps or deletes the captain's folder at the end of a destroy. A destroy gives providers the configuration of the
 * last `up` (docs/adr/pulumi-config-reaches-providers-late.md), and what is deleted cannot be had back. So the folder
 * goes only if the stack's configuration file, read now, says so as well. In doubt it stays, and a message says so.
 */
export async function keepOrRemoveFolder(settings: Settings, stack: string): Promise<void> {
  if (settings.keepWorkspace !== "false") return;
  const { root } = voyageFolder(stack);
  const now = await keepWorkspaceNow(stack);
  if (now === "false") return rm(root, { recursive: true, force: true });
  const why = now === null ? "is not to be read in the stack's configuration file" : `is ${now || "not set"} by now`;
  console.error(
    `the folder ${root} stays: ocaptain:keepWorkspace was false at the last up, and ${why}\n  to delete it: rm -r ${root}`,
  );
}

/**
 * Says that a destroy will delete the folder. It is called by a read, since that is all that the preview of a destroy
 * runs.
 */
export function sayWhatGoes(settings: Settings, stack: string): void {
  if (settings.keepWorkspace === "false")
    console.error(
      `a destroy of this voyage deletes its folder, repository and all: ${voyageFolder(stack).root} (ocaptain:keepWorkspace is false)`,
    );
}

/**
 * Reads `ocaptain:keepWorkspace` from the stack's configuration file: "" when it is not set; null when there is no such
 * file where Pulumi looks by default.
 */
async function keepWorkspaceNow(stack: string): Promise<string | null> {
  const file = process.env.PULUMI_OPTION_CONFIG_FILE || join(await stackConfigFolder(), `Pulumi.${stack}.yaml`);
  const text = await readFile(file, "utf8").catch(() => null);
  return text && (/^\s+["']?ocaptain:keepWorkspace["']?:\s*["']?(\w+)["']?\s*$/m.exec(text)?.[1] ?? "");
}

/** The folder of the stacks' configuration files, as Pulumi.yaml says; a provider's working folder is its project's. */
async function stackConfigFolder(): Promise<string> {
  const project = await readFile("Pulumi.yaml", "utf8").catch(() => "");
  return /^stackConfigDir:\s*["']?([^\s"'#]+)/m.exec(project)?.[1] ?? ".";
}
