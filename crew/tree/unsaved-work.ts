import { type AgentsGit, readAgentsGit } from "./agents-git.ts";
import { bytesOf, openAll, textOf } from "./files.ts";
import { type RunGit, unlessUnanswered } from "./git.ts";
import { indexed, linksOf } from "./indexed.ts";
import { becomeFiles, nestedRepos } from "./nested-repos.ts";
import { changedSubmodules } from "./submodules.ts";

/** The order for one saving of unsaved work. */
type Ask = {
  /** The crew's own git directory. */
  repo: string;
  /** The tree. */
  folder: string;
  /**
   * The ref of what was saved before under that name. It becomes an ancestor, so that nothing is lost when the ref
   * moves.
   */
  earlier: string;
  message: string;
};
/** The commit that holds what was found, and the names of the branches, tags and stashes in it. */
export type Saved = { commit: string; names: string[] };

/**
 * Makes a commit of what a tree and its `.git` hold that is nowhere else. Returns null when there is nothing: the tree
 * is as the crew's HEAD, which was pushed or came from the helm (`refs/remotes/*`), and so is all that the agent's git
 * keeps. It changes no index but the one that `git` was given.
 *
 * @param base the commit to compare a new clone with, in which files lie already that a mirror put there; what it has
 * and the tree has not is no change
 * @param pushed the ref of what was pushed last: what the hand has committed on the way to that tree is in it
 */
export async function findUnsavedWork(git: RunGit, ask: Ask & { base: string; pushed: string }): Promise<Saved | null> {
  const own = await commitAt(git, "HEAD");
  const head = own || ask.base;
  if (!own) await git(["read-tree", ask.base]);
  const [isClean, pushedTree, headTree] = await Promise.all([
    own !== "" && isAsHead(git),
    treeOf(git, ask.pushed),
    treeOf(git, head),
  ]);
  const tree = isClean ? headTree! : await treeOfAll(git, ask, own, head);

  const agent = readAgentsGit(ask.folder);
  // What the hand has committed on the way to a tree that was delivered is in that tree.
  const delivered = tree === pushedTree;
  const aside = await besides(git, agent, head);
  const mine = agent?.head && agent.head !== head && !delivered ? await newCommit(git, agent, agent.head, [head]) : "";
  const asHead = tree === headTree;
  if (asHead && !mine && aside.length === 0 && !(await git(["rev-list", "--max-count=1", head, "--not", "--remotes"])))
    return null;
  const parents = await take(git, ask, agent, [...(mine ? [mine] : []), ...aside.map(({ commit }) => commit)], head);
  return commitLeft(git, ask, tree, parents, aside);
}

/**
 * Tells whether the tree is as the crew's HEAD, as it mostly is when a task was delivered. A folder that cannot be read
 * is a no, and so is a submodule: git would look into it by the settings of whoever made it.
 */
async function isAsHead(git: RunGit): Promise<boolean> {
  let warned = false;
  const asked = ["status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=dirty"];
  const { links } = await indexed(git);
  if (links.length > 0) return false;
  const changed = await git(asked, { onWarning: () => (warned = true) }).catch((error) => unlessUnanswered(error) || "?");
  return changed === "" && !warned;
}

/** Brings all that lies in the tree into the index, and returns the tree that this makes. */
async function treeOfAll(git: RunGit, ask: Ask & { base: string }, own: string, head: string): Promise<string> {
  // A repository inside the tree that has no commit fails `git add`; the rest is saved all the same.
  const add = async () => {
    let words = "";
    await git(["add", "--all", "--ignore-errors"], { onWarning: (said) => (words = said) }).catch(
      ({ message }: Error) => (words = message),
    );
    return words;
  };
  if (/Permission denied/.test(await add())) {
    openAll(bytesOf(ask.folder));
    await add();
  }
  await addNested(git, ask, head);
  const nothingNew = !own && !(await git(["diff-index", "--cached", "--name-only", "--diff-filter=d", ask.base]));
  return nothingNew ? (await treeOf(git, head))! : git(["write-tree"]);
}

/**
 * Makes a commit of what the agent's git keeps beside `delivered`, the commit of the tree; null when there is nothing.
 */
export async function findUnsavedBeside(git: RunGit, ask: Ask & { delivered: string }): Promise<Saved | null> {
  const agent = readAgentsGit(ask.folder);
  const aside = await besides(git, agent, ask.delivered);
  if (aside.length === 0) return null;
  const parents = await take(
    git,
    ask,
    agent,
    aside.map(({ commit }) => commit),
    ask.delivered,
  );
  return commitLeft(
    git,
    ask,
    (await treeOf(git, ask.delivered))!,
    [ask.delivered, ...parents.filter((at) => at !== ask.delivered)],
    aside,
  );
}

type Aside = AgentsGit["others"];

/** Finds stashes, branches and tags whose commits are held neither by a HEAD nor by anything that the helm has. */
async function besides(git: RunGit, agent: AgentsGit | null, head: string): Promise<Aside> {
  if (!agent) return [];
  const known = [head, ...(agent.head ? [agent.head] : [])];
  const found: Aside = [];
  for (const { name, commit: at } of agent.others) {
    if (at === head || at === agent.head) continue;
    const commit = await newCommit(git, agent, at, known);
    if (commit && !found.some((other) => other.commit === commit)) found.push({ name, commit });
  }
  return found;
}

/**
 * Returns the commit that `name` is or leads to, when nothing else holds it; "" otherwise, and where there is no such
 * commit.
 */
async function newCommit(git: RunGit, { objects }: AgentsGit, name: string, known: readonly string[]): Promise<string> {
  const there = [];
  for (const other of known) if (await commitAt(git, other, objects)) there.push(other);
  return git(["rev-list", "--max-count=1", name, "--not", "--remotes", ...there], { borrow: objects }).catch(unlessUnanswered);
}

/**
 * Brings the agent's commits into the crew's repository. Returns those that a new commit must have as parents: `head`
 * too, unless the first of them holds it.
 */
async function take(git: RunGit, { repo }: Ask, agent: AgentsGit | null, commits: string[], head: string): Promise<string[]> {
  if (!agent || commits.length === 0) return [head];
  const wanted = [...commits, "--not", head].map((line) => `${line}\n`).join("");
  await git(["pack-objects", "--quiet", "--revs", `${repo}/objects/pack/pack`], { input: wanted, borrow: agent.objects });
  const [first, ...more] = commits;
  const holds = await isAncestor(git, head, first!);
  return holds ? [first!, ...more] : [head, first!, ...more];
}

async function commitLeft(git: RunGit, ask: Ask, tree: string, parents: string[], aside: Aside): Promise<Saved | null> {
  const names = [...new Set(aside.map(({ name }) => name))];
  const earlier = await commitAt(git, ask.earlier);
  if (earlier && tree === (await treeOf(git, earlier)) && (await holdsAll(git, earlier, parents))) return null;
  const all = [...parents, ...(earlier && !(await isAncestor(git, earlier, parents[0]!)) ? [earlier] : [])];
  const [only] = all;
  if (all.length === 1 && tree === (await treeOf(git, only!))) return { commit: only!, names };
  const message = `${ask.message}${aside.length > 0 ? `\n${aside.map(({ name, commit }) => `${name}: ${commit}\n`).join("")}` : ""}`;
  const commit = await git(["commit-tree", tree, ...all.flatMap((parent) => ["-p", parent]), "-F", "-"], { input: message });
  return { commit, names };
}

async function holdsAll(git: RunGit, commit: string, others: readonly string[]): Promise<boolean> {
  for (const other of others) if (!(await isAncestor(git, other, commit))) return false;
  return true;
}

const commitAt = (git: RunGit, ref: string, borrow: string | null = null) =>
  git(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`], { borrow }).catch(unlessUnanswered);
const treeOf = (git: RunGit, commit: string) =>
  git(["rev-parse", "--verify", "--quiet", `${commit}^{tree}`]).catch((error) => unlessUnanswered(error) || null);
const isAncestor = (git: RunGit, ancestor: string, commit: string) =>
  git(["merge-base", "--is-ancestor", ancestor, commit]).then(
    () => true,
    (error) => unlessUnanswered(error) !== "",
  );

/**
 * Adds the files of repositories inside the tree, and of changed submodules, since their commits would be lost with
 * them.
 */
async function addNested(git: RunGit, ask: Ask, head: string): Promise<void> {
  for (const path of await nestedRepos(git, ask.folder, [head])) await becomeFiles(git, ask.folder, path);
  const { links } = await indexed(git);
  if (links.length === 0) return;
  for (const path of await changedSubmodules(git, ask, links, await linksOf(git, [head])))
    await becomeFiles(git, ask.folder, textOf(path));
}
