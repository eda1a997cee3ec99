import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { parse } from "yaml";

/**
 * Reads the fields of a Pulumi project's file, or of a stack's, all scalars as their text. None where there is no such
 * file, or it is no YAML: then Pulumi says so. The parser is loaded only here, as most looks do not need it, and it
 * takes a third of their time.
 */
export function readYamlFile(file: string): Record<string, unknown> {
  if (!existsSync(file)) return {};
  const yaml = createRequire(import.meta.url)("yaml") as { parse: typeof parse };
  try {
    const fields: unknown = yaml.parse(readFileSync(file, "utf8"), { schema: "failsafe", logLevel: "silent" });
    return typeof fields === "object" && fields !== null ? (fields as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
