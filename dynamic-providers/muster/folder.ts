import { rm } from "node:fs/promises";
import { voyageFolder } from "../../lib/base/paths.ts";
import { settingIn, settingsFile } from "../../lib/voyage/settings-file.ts";
import type { Settings } from "../lifecycle.ts";

/**
 * Keeps or deletes the captain's folder at the end of a destroy. A destroy gives providers the configuration of the
 * last `up` (docs/adr/pulumi-config-reaches-providers-late.md), and what is deleted cannot be had back. So the folder
 * goes only if the stack's configuration file, read now, says so as well. In doubt it stays, and a message says so.
 */
export async function keepOrRemoveFolder(settings: Settings, stack: string): Promise<void> {
  if (settings.keepWorkspace !== "false") return;
  const { root } = voyageFolder(stack);
  // A provider's working folder is its project's.
  const now = settingIn(settingsFile(process.cwd(), stack), "keepWorkspace");
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
