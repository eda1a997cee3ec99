import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

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
  const file = join(project, "Pulumi.yaml");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const folder = /^stackConfigDir:\s*["']?([^\s"'#]+)/m.exec(text)?.[1] ?? ".";
  return join(project, folder, `Pulumi.${stack}.yaml`);
}

/**
 * Reads one setting of the namespace `ocaptain` from a stack's configuration file: "" when it is not set; null when
 * there is no such file.
 */
export function settingIn(file: string, key: string): string | null {
  if (!existsSync(file)) return null;
  const found = new RegExp(`^\\s+["']?ocaptain:${key}["']?:[ \\t]*(.*)$`, "m").exec(readFileSync(file, "utf8"))?.[1] ?? "";
  const [, quoted] = /^"(.*)"\s*$|^'(.*)'\s*$/.exec(found)?.filter((part) => part !== undefined) ?? [];
  return quoted ?? found.replace(/\s+#.*$/, "").trim();
}
