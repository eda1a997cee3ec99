import type { RunGit } from "./git.ts";

/** A submodule's link in the index: its path, a byte string, and the commit that it names. */
export type Link = { path: string; commit: string };

const BYTES = { encoding: "latin1" } as const;
const split = (text: string) => text.split("\0").filter(Boolean);

/** Reads the index: all its paths, and those that are links of submodules. Paths are byte strings. */
export async function indexed(git: RunGit): Promise<{ paths: string[]; links: Link[] }> {
  const entries = split(await git(["ls-files", "-z", "--stage"], BYTES));
  const paths = entries.map((entry) => entry.slice(entry.indexOf("\t") + 1));
  const links = entries.flatMap((entry, nth) =>
    entry.startsWith("160000 ") ? [{ path: paths[nth]!, commit: entry.split(" ")[1]! }] : [],
  );
  return { paths, links };
}

/** Reads the links of submodules in `commits`, by path. A later commit counts before an earlier one. */
export async function linksOf(git: RunGit, commits: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const commit of commits)
    for (const entry of split(await git(["ls-tree", "-r", "-z", commit], BYTES))) {
      const [, link, path] = /^160000 commit (\w+)\t([\s\S]+)$/.exec(entry) ?? [];
      if (link && path) found.set(path, link);
    }
  return found;
}
