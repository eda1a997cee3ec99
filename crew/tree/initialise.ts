import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { removeAll, textOf } from "./files.ts";
import type { RunGit } from "./git.ts";
import { indexed } from "./indexed.ts";
import { shown } from "./names.ts";
import { ASKABLE, addressesOf } from "./submodules.ts";

/** The longest that one submodule is waited for, and all of them together. */
const ONE_SECONDS = 60;
const ALL_MS = 180_000;

/**
 * Submodules that could not be had. They are asked for once in the life of a crew, since a host out of reach would hold
 * up each claim.
 */
const notHad = new Set<string>();

/**
 * Fills the submodules of `folder` that are empty, where `.gitmodules` has an address that can be read with http and
 * without anybody's credentials; not the submodules within submodules. Returns a sentence about each that could not be
 * had: it is for the journal, and stops no task.
 *
 * @param git asks the repository whose work tree `folder` is
 */
export async function initialiseSubmodules(git: RunGit, folder: string, signal: AbortSignal): Promise<string[]> {
  const { links } = await indexed(git);
  if (links.length === 0) return [];
  const addresses = await addressesOf(git, folder);
  const end = Date.now() + ALL_MS;
  const wrong: string[] = [];
  for (const { path, commit } of links) {
    const address = addresses.get(path) ?? "";
    const cwd = join(folder, textOf(path));
    const key = `${address} ${commit}`;
    if (notHad.has(key) || (existsSync(cwd) && readdirSync(cwd).length > 0)) continue;
    try {
      if (!ASKABLE.test(address))
        throw new Error("its address in .gitmodules is none that a ship can read (http or https, without credentials)");
      const seconds = Math.min(ONE_SECONDS, (end - Date.now()) / 1000);
      if (seconds <= 0) throw new Error(`the other submodules took all of the ${ALL_MS / 1000} s that there are`);
      mkdirSync(cwd, { recursive: true });
      await git(["init", "--quiet", "--template="], { cwd });
      const fetch = (...what: string[]) => git(["fetch", "--quiet", "--no-tags", address, ...what], { cwd, seconds });
      await fetch("--depth=1", commit).catch(() => fetch("+refs/heads/*:refs/remotes/origin/*"));
      await git(["checkout", "--quiet", "--detach", commit], { cwd });
    } catch (error) {
      signal.throwIfAborted();
      notHad.add(key);
      if (existsSync(cwd)) for (const name of readdirSync(cwd)) await removeAll(join(cwd, name));
      wrong.push(`the submodule ${shown(path)} stays empty: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  return wrong;
}
