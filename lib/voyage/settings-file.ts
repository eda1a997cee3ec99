import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { readYamlFile } from "../base/yaml-file.ts";

/**
 * The configuration file of a stack: what `--config-file` or its variable says, else the one of the project in the
 * folder `project`, where its Pulumi.yaml has them.
 */
export function settingsFile(project: string, stack: string): string {
  const named = process.env.PULUMI_OPTION_CONFIG_FILE;
  return named ? resolve(project, named) : projectSettingsFile(project, stack);
}

/** The configuration file that a project has for a stack, where its Pulumi.yaml says, whatever else is named. */
export function projectSettingsFile(project: string, stack: string): string {
  const { stackConfigDir = "." } = readYamlFile(join(project, "Pulumi.yaml"));
  return join(project, String(stackConfigDir), `Pulumi.${stack}.yaml`);
}

/**
 * Reads one setting of the namespace `ocaptain` from a stack's configuration file: "" when it is not set; null when
 * there is no such file.
 */
export function settingIn(file: string, key: string): string | null {
  if (!existsSync(file)) return null;
  const { config } = readYamlFile(file) as { config?: Record<string, unknown> | null };
  const value = config?.[`ocaptain:${key}`];
  // A secret is an object.
  return typeof value === "string" ? value : "";
}
