import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink, realpath, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Symbolic links in a mirror. Mutagen lets a link through when its target, read as text, stays in the tree. That is not enough: by `up/../../x`, where `up` is
 * a link itself, one leaves it. So what comes is looked at again, and a link stays only if its steps up come first, and are no more than the folders it is in.
 * Then no way through links leaves the mirror: steps up begin in the folder in which the link lies, which is one of the mirror's, and every name after
 * them is in a folder of the mirror, or is such a link again.
 */

/**
 * What stands in the place of another link: it leads nowhere, and Mutagen leaves it alone, tells of it, and carries it nowhere, for a colon is in it. So the
 * ship keeps its own.
 */
export const PUT_ASIDE = "put aside: it led out of this mirror";

/** Could one leave the tree by a link that lies `depth` folders below its root? */
export function leadsOut(target: string, depth: number): boolean {
  if (target.startsWith("/")) return true;
  const steps = target.split("/").filter((step) => step !== "" && step !== ".");
  const names = steps.findIndex((step) => step !== "..");
  const ups = names < 0 ? steps.length : names;
  return ups > depth || steps.slice(ups).includes("..");
}

/**
 * Puts aside every link of a mirror by which one could leave it; follows none. Returns their paths in it. What changes meanwhile is the next look's.
 * Paths that are too long for the system are not reached, by nobody.
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
      // gone meanwhile, or not ours to read
    } finally {
      await handle.close();
    }
  }
  return found;
}

/** Where a path that a sync names is in a mirror, by no link; null when it is not in it, or what it lies in is not there. */
export async function placeInMirror(mirror: string, path: string): Promise<string | null> {
  if (path.split("/").some((name) => name === "" || name === "." || name === "..")) return null;
  const folder = dirname(join(await realpath(mirror), path));
  return (await realpath(folder).catch(() => null)) === folder ? join(folder, basename(path)) : null;
}

/** The folder itself, and not what a link leads to that was put in its place, or in that of one above it. */
async function openFolder(real: string): Promise<FileHandle | null> {
  const handle = await open(real, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => null);
  if (!handle) return null;
  const is = await (process.platform === "linux" ? readlink(`/proc/self/fd/${handle.fd}`) : realpath(real)).catch(() => "");
  if (is === real) return handle;
  await handle.close();
  return null;
}

const placeOf = ({ fd }: FileHandle, real: string) => (process.platform === "linux" ? `/proc/self/fd/${fd}` : real);

/** In one step, so that at no time nothing is there, which Mutagen would take for a deletion. */
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
