import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import type { VoyageFolder } from "../../../lib/base/paths.ts";
import { git, gitLine } from "../../../lib/git/run.ts";
import { readBranch } from "../../../lib/git/voyage-repo.ts";
import type { SourceFile } from "../import/shape.ts";

const MOST_BYTES = 64 * 1024 * 1024;

/** The voyage's branch at one commit, of which files are read, and beside which changed ones are put. */
export type Tip = {
  commit: string;
  /** Reads a file; undefined where there is none. @throws OcaptainError SOURCE for what is no text */
  read(path: string): Promise<SourceFile | undefined>;
  /** The paths of the Markdown files right in a folder. */
  markdownIn(folder: string): Promise<string[]>;
  /** Makes a tree with changed files, and returns its id. */
  treeWith(files: readonly SourceFile[]): Promise<string>;
};

/** @throws OcaptainError NO_BRANCH */
export async function tipOf(folder: VoyageFolder, stack: string): Promise<Tip> {
  const bare = { gitDir: folder.repo };
  const commit = await readBranch(folder.repo, stack);
  if (!commit)
    throw new OcaptainError("NO_BRANCH", `the voyage's repository has no branch ${stack}`, { hint: `ocaptain status ${stack}` });
  const entries = async (args: readonly string[]) => {
    const { stdout } = await git(["ls-tree", "-z", "--full-tree", ...args], bare);
    return stdout.split("\0").flatMap((line) => {
      const [, mode, id, name] = /^(\d+) blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      // A link is a blob, too, and leads elsewhere.
      return mode?.startsWith("100") ? [{ mode, id: id!, name: name! }] : [];
    });
  };
  const entryOf = async (path: string) => (await entries([commit, "--", path])).find(({ name }) => name === path);
  return {
    commit,
    async read(path) {
      const entry = await entryOf(path);
      if (!entry) return undefined;
      const { stdout } = await git(["cat-file", "blob", entry.id], { ...bare, mostBytes: MOST_BYTES });
      if (stdout.includes("\ufffd") || stdout.includes("\0"))
        throw new OcaptainError("SOURCE", `${path} at ${commit.slice(0, 8)} is not UTF-8 text`);
      return { name: path, text: stdout };
    },
    async markdownIn(path) {
      return (await entries([commit, "--", `${path}/`])).map(({ name }) => name).filter((name) => name.endsWith(".md"));
    },
    async treeWith(files) {
      const temporary = await mkdtemp(join(tmpdir(), "oc-done-"));
      try {
        const index = { ...bare, env: { GIT_INDEX_FILE: join(temporary, "index") } };
        await git(["read-tree", commit], index);
        for (const { name, text } of files) {
          const id = await gitLine(["hash-object", "-w", "--no-filters", "--stdin"], { ...bare, stdin: text });
          await git(["update-index", "--cacheinfo", `${(await entryOf(name))!.mode},${id},${name}`], index);
        }
        return await gitLine(["write-tree"], index);
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
    },
  };
}

/** The trailer by which a branch is known to be one that was made here. */
const TRAILER = "Done-In-Voyage";

/**
 * Puts a tree on a branch of its own, `<stack>-done`, as one commit on top of the voyage's tip. The voyage's branch
 * stays where it is, as what was verified is that commit and no other.
 *
 * @returns the branch and its commit
 * @throws OcaptainError NOT_OURS where the repository has such a branch that was not made here
 */
export async function putOnBranch(
  folder: VoyageFolder,
  stack: string,
  change: { tip: string; tree: string; message: string; author: { name: string; email: string } | null },
): Promise<{ branch: string; commit: string }> {
  const bare = { gitDir: folder.repo };
  const branch = `${stack}-done`;
  const before = await readBranch(folder.repo, branch);
  if (before) {
    const format = `--format=%T %P %(trailers:key=${TRAILER},valueonly,separator=%x2C)`;
    const [tree, parent, whose] = (await gitLine(["log", "-1", format, before, "--"], bare)).split(" ");
    if (whose !== stack)
      throw new OcaptainError(
        "NOT_OURS",
        `the voyage's repository has a branch ${branch} already, which is not of an earlier plan done`,
        {
          hint: "write a patch instead: ocaptain plan done --help",
        },
      );
    if (tree === change.tree && parent === change.tip) return { branch, commit: before };
  }
  const { author } = change;
  const who = author && { GIT_AUTHOR_NAME: author.name, GIT_AUTHOR_EMAIL: author.email };
  const commit = await gitLine(["commit-tree", change.tree, "-p", change.tip, "-F", "-"], {
    ...bare,
    stdin: `${change.message}\n\n${TRAILER}: ${stack}\n`,
    ...(who && { env: { ...who, GIT_COMMITTER_NAME: who.GIT_AUTHOR_NAME, GIT_COMMITTER_EMAIL: who.GIT_AUTHOR_EMAIL } }),
  });
  await git(["update-ref", `refs/heads/${branch}`, commit, before || "0".repeat(40)], bare);
  return { branch, commit };
}

/** The change from the voyage's tip to a tree, as `git apply` takes it. */
export const patchTo = async (folder: VoyageFolder, tip: string, tree: string): Promise<string> =>
  (await git(["diff-tree", "-p", "--no-ext-diff", "--no-textconv", "--full-index", tip, tree], { gitDir: folder.repo })).stdout;
