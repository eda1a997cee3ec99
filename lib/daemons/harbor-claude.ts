import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join, relative } from "node:path";

/** The program that a real sprite brings along and that a harbor ship has from the captain's machine: Claude Code. */
const NAME = "claude";
/** The folder on a confined ship's PATH in which that program lies. */
export const SHIP_PROGRAMS = "/.sprite/languages/programs";
const SHIP_PACKAGES = "/.sprite/languages/packages";

/** Claude Code on this machine: `found` is where it was found by name, and `real` the file to which that leads. */
export type HarborClaude = { found: string; real: string };

/**
 * Finds the Claude Code that the harbor gives to its ships: in the folder that OCAPTAIN_HARBOR_TOOLS names, else on the
 * PATH. Returns null when there is none.
 */
export function harborClaude(env: Record<string, string | undefined> = process.env): HarborClaude | null {
  const folders = [env.OCAPTAIN_HARBOR_TOOLS ?? "", ...(env.PATH ?? "").split(delimiter)];
  for (const folder of folders.filter((name) => name.startsWith("/"))) {
    const found = join(folder, NAME);
    if (isProgram(found)) return { found, real: realpathSync(found) };
  }
  return null;
}

/**
 * The arguments of bwrap by which a ship has Claude Code under its own name, whatever links lead to it here. They bind
 * the file alone; or, where it comes from an npm package, the outermost `node_modules` that it is in, since such a
 * package starts another one beside it.
 */
export function claudeArguments({ real }: HarborClaude): string[] {
  const at = join(SHIP_PROGRAMS, NAME);
  if (real.startsWith("/usr/")) return ["--symlink", real, at];
  const [, packages] = /^(.*?\/node_modules)\//.exec(real) ?? [];
  if (!packages) return ["--ro-bind", real, at];
  return ["--ro-bind", packages, SHIP_PACKAGES, "--symlink", join(SHIP_PACKAGES, relative(packages, real)), at];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
