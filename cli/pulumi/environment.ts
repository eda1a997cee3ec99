import { delimiter, dirname } from "node:path";
import { environment } from "../../tools/environment.mjs";

/**
 * The variables for a `pulumi` that `ocaptain` starts, in a shell that may have none of ours. Providers are started
 * with the `node` of PATH, so this Node comes first on it.
 */
export function pulumiEnvironment(): Record<string, string> {
  const set = environment(process.env);
  const path = [dirname(process.execPath), ...(set.PATH ?? process.env.PATH ?? "").split(delimiter)];
  return { ...set, PATH: [...new Set(path)].join(delimiter), OCAPTAIN_SAILS: "true" };
}
