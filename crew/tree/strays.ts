import { bytesOf, entriesOf } from "./files.ts";
import type { RunGit } from "./git.ts";

/** What lies in a tree and in no commit of it. Paths are byte strings, relative to the tree. */
export type Strays = {
  /** Files and links that git neither has nor ignores. */
  files: string[];
  /** Folders that cannot be looked into. */
  unreadable: string[];
  /** The `.git` of repositories inside the tree, whose other files may well be in the index. */
  gits: string[];
  /** Sockets, pipes and devices, which no commit can hold. */
  special: string[];
};

/** How the names of Mutagen's temporary files begin, which lie for a moment in the tree that it syncs. */
export const MUTAGENS_OWN = ".mutagen-temporary-";

/**
 * Compares a tree, name by name, with what git has of it. Only a walk of the crew's own tells what git has passed over,
 * since git skips without an error what it cannot read or takes for another repository's.
 *
 * @param known the paths of the index: files, links, and submodules, into which this does not look
 * @param ignored the paths that git ignores; a folder ends with "/"
 */
function findStrays(folder: string, known: ReadonlySet<string>, ignored: ReadonlySet<string>): Strays {
  const strays: Strays = { files: [], unreadable: [], gits: [], special: [] };
  for (const folders = [""]; folders.length > 0; ) {
    const below = folders.pop()!;
    const entries = look(below ? `${folder}/${below}` : folder);
    if (entries === null) strays.unreadable.push(below || ".");
    for (const entry of entries ?? []) {
      if (entry.name.startsWith(MUTAGENS_OWN)) continue;
      if (entry.name === ".git") {
        if (below) strays.gits.push(`${below}/.git`);
        continue;
      }
      const path = below ? `${below}/${entry.name}` : entry.name;
      if (known.has(path)) continue;
      if (entry.isDirectory()) {
        if (!ignored.has(`${path}/`)) folders.push(path);
      } else if (!ignored.has(path)) (entry.isFile() || entry.isSymbolicLink() ? strays.files : strays.special).push(path);
    }
  }
  return strays;
}

/**
 * Looks what lies in the tree at `folder` and is not in `known`, the paths of the index (byte strings). Returns the
 * ignored paths with it, as git names them: a folder stands for what is in it and ends with "/".
 */
export async function lookForStrays(
  git: RunGit,
  folder: string,
  known: readonly string[],
): Promise<{ strays: Strays; ignored: ReadonlySet<string> }> {
  const asked = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
  const ignored = new Set((await git(asked, { encoding: "latin1" })).split("\0").filter(Boolean));
  return { strays: findStrays(bytesOf(folder), new Set(known), ignored), ignored };
}

function look(path: string) {
  try {
    return entriesOf(path);
  } catch {
    return null;
  }
}
