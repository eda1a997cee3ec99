import { existsSync } from "node:fs";
import { join } from "node:path";
import { git } from "./run.ts";

/** The tree of no files, from which attributes are read, so that no filter of the checkout's runs. */
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const LOOK_MS = 5_000;

/**
 * Lists what a checkout holds that no commit has, as git names it: a voyage begins from commits alone, and leaves it
 * behind. The list is empty for a bare repository, and where the look takes too long or fails, since nothing hangs on
 * it. Files within submodules are not looked at. It changes nothing, not even git's index.
 */
export async function uncommitted(checkout: string): Promise<string[]> {
  if (!existsSync(join(checkout, ".git"))) return [];
  const args = ["--no-optional-locks", "status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty"];
  const options = { cwd: checkout, timeoutMs: LOOK_MS, env: { GIT_ATTR_SOURCE: EMPTY_TREE } };
  const listed = await git(args, options).catch(() => null);
  return (listed?.stdout ?? "")
    .split("\0")
    .filter(Boolean)
    .map((line) => line.slice(3));
}
