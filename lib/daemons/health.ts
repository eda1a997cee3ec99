import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Says what a running daemon has lost of what it was started with and cannot work without: its temporary folder, or a
 * program on its own PATH. Returns null when it has lost nothing, and on a machine that does not tell (Linux does).
 */
export function lossOf(pid: number, programs: readonly string[]): string | null {
  const env = environmentOf(pid);
  if (!env) return null;
  if (env.TMPDIR && !existsSync(env.TMPDIR)) return `its temporary folder ${env.TMPDIR} is gone`;
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const missing = programs.filter((program) => !folders.some((folder) => isProgram(join(folder, program))));
  return missing.length > 0 ? `${missing.join(", ")} is gone from the PATH that it was started with` : null;
}

function environmentOf(pid: number): Record<string, string> | null {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
    return pairs.length > 0 ? Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2))) : null;
  } catch {
    return null;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
