import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink, realpath, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * This file keeps symbolic links from leading out of a mirror. Mutagen lets a link through if its target, read as text,
 * stays in the tree. That is not enough: `up/../../x` can leave the tree where `up` is itself a link. So we look at
 * each link again, and it stays only if its steps up (`..`) come first and are no more than the folders it lies in.
 * Then no path through links leaves the mirror: the steps up begin in the folder of the link, which is in the mirror,
 * and every name after them is in a folder of the mirror, or is again such a link.
 */

/**
 * The target of the link that replaces a link which was put aside. It leads nowhere. Because of its colon Mutagen
 * reports it as a problem and does not sync it, so the ship keeps its own link.
 */
export const PUT_ASIDE = "put aside: it led out of this mirror";

/** Tells whether a link with this target, `depth` folders below the root of a tree, could lead out of the tree. */
export function leadsOut(target: string, depth: number): boolean {
  if (target.startsWith("/")) return true;
  const steps = target.split("/").filter((step) => step !== "" && step !== ".");
  const names = steps.findIndex((step) => step !== "..");
  const ups = names < 0 ? steps.length : names;
  return ups > depth || steps.slice(ups).includes("..");
}

/**
 * Puts aside every link of a mirror that could lead out of it, and returns their paths in the mirror. It follows no
 * link. What changes during the look is left to the next one.
 * Paths that are too long for the system are left out, since nobody can reach them.
 */
export async function putLinksAside(mirror: string): Promise<string[]> {
  const root = await realpath(mirror).catch(() => null);
  if (root === null) return [];
  const found: string[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const real = join(root, folder);
    const handle = await openFolder(real);
    if (!handle) continue;
    try {
      const here = placeOf(handle, real);
      const depth = folder === "" ? 0 : folder.split("/").length;
      for (const entry of await readdir(here, { withFileTypes: true })) {
        const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory()) folders.push(path);
        if (entry.isSymbolicLink() && (await putAside(join(here, entry.name), depth, mirror))) found.push(path);
      }
    } catch {
      // The folder has gone meanwhile, or we may not read it.
    } finally {
      await handle.close();
    }
  }
  return found;
}

/**
 * Returns where a path that a sync names is in a mirror, without following links. Returns null if the path is not in
 * the mirror, or its folder does not exist.
 */
export async function placeInMirror(mirror: string, path: string): Promise<string | null> {
  if (path.split("/").some((name) => name === "" || name === "." || name === "..")) return null;
  const folder = dirname(join(await realpath(mirror), path));
  return (await realpath(folder).catch(() => null)) === folder ? join(folder, basename(path)) : null;
}

/** Opens a folder; returns null if it, or a folder above it, has been replaced by a link. */
async function openFolder(real: string): Promise<FileHandle | null> {
  const handle = await open(real, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => null);
  if (!handle) return null;
  const is = await (process.platform === "linux" ? readlink(`/proc/self/fd/${handle.fd}`) : realpath(real)).catch(() => "");
  if (is === real) return handle;
  await handle.close();
  return null;
}

const placeOf = ({ fd }: FileHandle, real: string) => (process.platform === "linux" ? `/proc/self/fd/${fd}` : real);

/**
 * Replaces a link in one step. If there were nothing at its path for a moment, Mutagen would take that for a deletion.
 */
async function putAside(link: string, depth: number, mirror: string): Promise<boolean> {
  const target = await readlink(link).catch(() => PUT_ASIDE);
  if (target === PUT_ASIDE || !leadsOut(target, depth)) return false;
  const next = `${mirror}.aside-${randomBytes(6).toString("hex")}`;
  await symlink(PUT_ASIDE, next);
  try {
    if (!(await lstat(link)).isSymbolicLink()) return false;
    await rename(next, link);
    return true;
  } catch {
    return false;
  } finally {
    await rm(next, { force: true });
  }
}
