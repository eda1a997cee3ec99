import { existsSync } from "node:fs";
import { mkdir, readdir, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { voyageFolder, voyageFolderAt, voyagesRoot } from "../base/paths.ts";
import { git } from "../git/run.ts";

/** Where the folder of a voyage goes when another one begins under its stack's name. */
export const asideFolder = (stack: string, voyageId: string) => join(voyagesRoot(), `${stack}.${voyageId}`);

/**
 * Puts the folder of a voyage aside: nothing is deleted. The voyage's lock stays, which the caller holds by a file in it. voyage.json goes last: after a death in
 * between the folder is still the old voyage's, and the rest goes with the next call.
 * @returns where it is now
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
  // The checkout names the repository beside it by its path.
  if (existsSync(join(to.workspace, ".git")))
    await git(["remote", "set-url", "origin", to.repo], { cwd: to.workspace, okCodes: [0, 2] });
  await rename(from.voyageFile, to.voyageFile);
  return to.root;
}
