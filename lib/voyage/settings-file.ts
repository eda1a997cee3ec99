import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fieldOf } from "../base/check-input.ts";
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

/**
 * The fields of a structured setting (set by `pulumi config set --path`) that stand in the stack's file in clear, such
 * as `[0].url`; none where there is no such file, or it cannot be read.
 */
export function clearTexts(project: string, stack: string, key: string): string[] {
  try {
    const { config } = readYamlFile(settingsFile(project, stack)) as { config?: Record<string, unknown> | null };
    const value = config?.[`ocaptain:${key}`];
    return Array.isArray(value) ? fieldsIn(value, []) : [];
  } catch {
    return [];
  }
}

/** A secret is an object with the one key `secure`. */
function fieldsIn(value: unknown, path: readonly PropertyKey[]): string[] {
  if (typeof value !== "object" || value === null) return [fieldOf(path)];
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === "secure") return [];
  return entries.flatMap(([name, each]) => fieldsIn(each, [...path, Array.isArray(value) ? Number(name) : name]));
}
