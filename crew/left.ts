import { filesOfNested, nestedRepos, type RunGit } from "./nested.ts";

/**
 * What a tree holds that is nowhere else, as a commit; null when there is nothing: the tree is as HEAD, and HEAD has been pushed or came from the
 * helm (`refs/remotes/*`). Changes the index only.
 *
 * @param base commit to compare a new clone with, in which files lie already (a mirror put them there); what it has and the tree has not is no change
 * @param earlier ref of what was saved before under that name; it becomes an ancestor, so that nothing is lost when the ref moves
 */
export async function findLeft(
  git: RunGit,
  ask: { folder: string; base: string; earlier: string; message: string },
): Promise<string | null> {
  const commitAt = (ref: string) => git(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]).catch(() => "");
  const is = (...args: string[]) =>
    git(args).then(
      () => true,
      () => false,
    );

  const own = await commitAt("HEAD");
  const head = own || ask.base;
  if (!own) await git(["read-tree", ask.base]);
  // A file that cannot be read, a repository without a commit: what can be saved is.
  await git(["add", "--all", "--ignore-errors"]).catch(() => {});
  await addNested(git, ask.folder, head);
  if (!own && !(await git(["diff-index", "--cached", "--name-only", "--diff-filter=d", ask.base]))) return null;

  const tree = await git(["write-tree"]);
  const asHead = tree === (await git(["rev-parse", `${head}^{tree}`]));
  const earlier = await commitAt(ask.earlier);
  if (asHead && !(await git(["rev-list", "--max-count=1", head, "--not", "--remotes"]))) return null;
  if (earlier) {
    const holdsHead = await is("merge-base", "--is-ancestor", head, earlier);
    if (holdsHead && tree === (await git(["rev-parse", `${earlier}^{tree}`]))) return null;
  }
  const parents = [head, ...(earlier && !(await is("merge-base", "--is-ancestor", earlier, head)) ? [earlier] : [])];
  if (asHead && parents.length === 1) return head;
  return git(["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-F", "-"], { input: ask.message });
}

/** Of a repository inside the tree its files are saved, since its commits would be lost with it. */
async function addNested(git: RunGit, folder: string, head: string): Promise<void> {
  for (const path of await nestedRepos(git, folder, [head])) {
    await git(["update-index", "--force-remove", "--", path]);
    const files = await filesOfNested(git, folder, path);
    await git(["update-index", "--add", "-z", "--stdin"], { input: files.map((file) => `${file}\0`).join("") });
  }
}
