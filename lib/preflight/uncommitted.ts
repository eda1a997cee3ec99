import { existsSync } from "node:fs";
import { join } from "node:path";
import { type GitConfig, git } from "../git/run.ts";

const LOOK_MS = 5_000;

/**
 * Lists what a checkout holds that no commit has, as git names it: a voyage begins from commits alone, and leaves it
 * behind. The list is empty for a bare repository, and where the look takes too long or fails, since nothing hangs on
 * it. Files within submodules are not looked at. It changes nothing, not even git's index.
 */
export async function uncommitted(checkout: string): Promise<string[]> {
  if (!existsSync(join(checkout, ".git"))) return [];
  const args = ["--no-optional-locks", "status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty"];
  const listed = await withoutFilters(checkout)
    .then((config) => git(args, { cwd: checkout, config, timeoutMs: LOOK_MS }))
    .catch(() => null);
  return (listed?.stdout ?? "")
    .split("\0")
    .filter(Boolean)
    .map((line) => line.slice(3));
}

/** Settings by which git runs no filter that the checkout's own configuration brings, such as git-lfs. */
async function withoutFilters(checkout: string): Promise<GitConfig> {
  const asked = ["config", "-z", "--name-only", "--get-regexp", "^filter\\..*\\.(clean|process|required)$"];
  const { stdout } = await git(asked, { cwd: checkout, timeoutMs: LOOK_MS, okCodes: [0, 1] });
  const keys = [...new Set(stdout.split("\0").filter(Boolean))];
  return keys.map((key) => [key, key.endsWith(".required") ? "false" : ""] as const);
}
