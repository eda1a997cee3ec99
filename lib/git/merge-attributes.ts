import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type GitOptions, git } from "./run.ts";

const FILE = ".gitattributes";
const MOST_FILES = 200;
const MOST_BYTES = 256 * 1024;
/** The attribute by which a commit could have git write marks of gigabytes into each conflict, in memory. */
const MARKER_SIZE = /conflict-marker-size/g;

/**
 * Runs `job` with options by which git sees the `.gitattributes` of `commit`, so that the captain's machine
 * merges as a ship does
 * (`merge=union`). In a bare repository git looks at none, and `--attr-source` is younger (2.41) than the git that is
 * asked for: so the files are put into a work tree in which there is nothing else. A merge driver of the repository's
 * own does not run: nothing configures one.
 */
export async function withAttributes<T>(gitDir: string, commit: string, job: (options: GitOptions) => Promise<T>): Promise<T> {
  const found = await attributesOf(gitDir, commit);
  if (found.length === 0) return job({ gitDir });
  const workTree = await mkdtemp(join(tmpdir(), "oc-attributes-"));
  try {
    for (const [path, text] of found) {
      await mkdir(join(workTree, dirname(path)), { recursive: true });
      await writeFile(join(workTree, path), text);
    }
    return await job({ gitDir, workTree, cwd: workTree, config: [["core.bare", "false"]] });
  } finally {
    await rm(workTree, { recursive: true, force: true });
  }
}

/** The `.gitattributes` files of `commit` that say something of merging. */
async function attributesOf(gitDir: string, commit: string): Promise<[path: string, text: string][]> {
  const listed = await git(["ls-tree", "-r", "-z", "--format=%(objecttype) %(objectmode) %(objectname) %(path)", commit], {
    gitDir,
  });
  const found: [string, string][] = [];
  for (const entry of listed.stdout
    .split("\0")
    .filter((line) => line.endsWith(FILE))
    .slice(0, MOST_FILES)) {
    const [, id, path = ""] = /^blob 100(?:644|755) (\w+) (.+)$/.exec(entry) ?? [];
    if (!id || basename(path) !== FILE || path.split("/").includes("..")) continue;
    const size = Number((await git(["cat-file", "-s", id], { gitDir })).stdout);
    if (size > MOST_BYTES) continue;
    const { stdout } = await git(["cat-file", "blob", id], { gitDir });
    if (/\bmerge\b|\bbinary\b/.test(stdout)) found.push([path, stdout.replace(MARKER_SIZE, "no-marker-size")]);
  }
  return found;
}
