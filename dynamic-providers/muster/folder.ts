import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { voyageFolder } from "../../lib/base/paths.ts";
import type { Settings } from "../lifecycle.ts";

/**
 * What becomes of the captain's folder at a destroy. A destroy gives providers the configuration of the last `up`
 * (docs/adr/pulumi-config-reaches-providers-late.md), and what is deleted cannot be had back: so the folder goes only if the stack's configuration file says so
 * by now, too. In doubt it stays, and that is said.
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

/** For `pulumi preview`, and the preview of a destroy, which runs nothing but reads. */
export function sayWhatGoes(settings: Settings, stack: string): void {
  if (settings.keepWorkspace === "false")
    console.error(
      `a destroy of this voyage deletes its folder, repository and all: ${voyageFolder(stack).root} (ocaptain:keepWorkspace is false)`,
    );
}

/** What the stack's configuration file says now: "" when it does not say; null when there is no such file where Pulumi looks by default. */
async function keepWorkspaceNow(stack: string): Promise<string | null> {
  const file = process.env.PULUMI_OPTION_CONFIG_FILE || join(await stackConfigFolder(), `Pulumi.${stack}.yaml`);
  const text = await readFile(file, "utf8").catch(() => null);
  return text && (/^\s+["']?ocaptain:keepWorkspace["']?:\s*["']?(\w+)["']?\s*$/m.exec(text)?.[1] ?? "");
}

/** A provider's folder is its project's. */
async function stackConfigFolder(): Promise<string> {
  const project = await readFile("Pulumi.yaml", "utf8").catch(() => "");
  return /^stackConfigDir:\s*["']?([^\s"'#]+)/m.exec(project)?.[1] ?? ".";
}
