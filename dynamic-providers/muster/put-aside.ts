import { existsSync } from "node:fs";
import { mkdir, readdir, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { asideFolder, voyageFolder, voyageFolderAt } from "../../lib/base/paths.ts";
import { git } from "../../lib/git/run.ts";

/**
 * Moves all of a voyage's folder aside, and deletes nothing. Only the voyage's lock stays, because the caller holds it
 * by a file in the folder. voyage.json is moved last: if the process dies before, the folder is still the old voyage's,
 * and the next call moves the rest.
 *
 * @returns The path of the folder to which everything was moved.
 */
export async function putAside(stack: string, voyageId: string): Promise<string> {
  const from = voyageFolder(stack);
  const to = voyageFolderAt(asideFolder(stack, voyageId), stack);
  const lock = basename(from.lock);
  await mkdir(join(to.root, "helm"), { recursive: true, mode: 0o700 });
  const names = await readdir(from.root);
  for (const name of names)
    if (name !== "helm" && name !== basename(from.voyageFile)) await rename(join(from.root, name), join(to.root, name));
  for (const name of await readdir(join(from.root, "helm")).catch(() => []))
    if (!name.startsWith(lock)) await rename(join(from.root, "helm", name), join(to.root, "helm", name));
  // The checkout names the repository beside it by its path, which is another now.
  if (existsSync(join(to.workspace, ".git")))
    await git(["remote", "set-url", "origin", to.repo], { cwd: to.workspace, okCodes: [0, 2] });
  await rename(from.voyageFile, to.voyageFile);
  return to.root;
}
