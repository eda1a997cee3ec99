import { delimiter, dirname } from "node:path";
import { environment } from "../../tools/environment.mjs";
import { makeState } from "../../tools/setup/state.mjs";
import { shell } from "../shell.ts";

/**
 * The variables for a `pulumi` in the project of `folder`, which `ocaptain` starts in a shell that may have none of
 * ours. Providers are started with the `node` of PATH, so this Node comes first on it.
 */
export function pulumiEnvironment(folder: string): Record<string, string | undefined> {
  // The backend that this process has been given may be that of ocaptain's own project, and this one may name another.
  const named = shell.PULUMI_BACKEND_URL;
  const set = environment({ ...process.env, PULUMI_BACKEND_URL: named }, folder);
  if (set.PULUMI_BACKEND_URL || set.PULUMI_CONFIG_PASSPHRASE_FILE) makeState();
  const path = [dirname(process.execPath), ...(set.PATH ?? process.env.PATH ?? "").split(delimiter)];
  return {
    ...set,
    PULUMI_BACKEND_URL: set.PULUMI_BACKEND_URL ?? named,
    PATH: [...new Set(path)].join(delimiter),
    OCAPTAIN_SAILS: "true",
  };
}
