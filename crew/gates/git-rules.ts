import { programsOf } from "./programs.ts";

/**
 * The rules by which an agent is refused a git command: one that would send its work elsewhere, or put another history
 * under it. They are a guard against mistakes and no wall, and they do not look at the tree, where a name may be a
 * branch or a file. What holds is the crew's look at HEAD when the tree is delivered (crew/tree/head-check.ts), and the
 * helm, which takes a ship's commit by its tree and its grant.
 */

/** Options of git itself that take a value in the next word. */
const VALUED = new Set(["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"]);

const REFUSED = new Map(
  Object.entries({
    push: "pushes nowhere: the crew delivers your tree when you complete the task",
    pull: "pulls nothing: all that your task waited for is in your tree",
    rebase: "does not rewrite history: your tree is what counts, and becomes one commit",
    "filter-branch": "does not rewrite history",
    "filter-repo": "does not rewrite history",
    "update-ref": "moves no refs by hand",
    "symbolic-ref": "moves no refs by hand",
    "send-pack": "pushes nowhere",
  }),
);

/** Says to the model why a shell line is refused; null when it is not. */
export function judgeCommand(command: string): string | null {
  for (const [program, ...args] of programsOf(command)) {
    const refused = program === "git" ? judgeGit(args) : null;
    if (refused)
      return `Refused: a ship ${refused}. Your tree starts at the voyage's branch; leave HEAD where it is, change files only.`;
  }
  return null;
}

function judgeGit(words: string[]): string | null {
  let at = 0;
  while (words[at]?.startsWith("-")) at += VALUED.has(words[at]!) ? 2 : 1;
  const verb = words[at] ?? "";
  const args = readArgs(words.slice(at + 1));
  return REFUSED.get(verb) ?? RULES.get(verb)?.(args) ?? null;
}

/**
 * A git command's arguments. `names` are those before a `--` that are no option (`-` is a name), `paths` those after
 * it; null when there is no `--`.
 */
type Args = { names: string[]; paths: string[] | null; has: (...options: string[]) => boolean };

function readArgs(args: string[]): Args {
  const end = args.indexOf("--");
  const before = end < 0 ? args : args.slice(0, end);
  const options = before.filter((arg) => /^-./.test(arg));
  return {
    names: before.filter((arg) => !/^-./.test(arg)),
    paths: end < 0 ? null : args.slice(end + 1),
    // An option of one letter may be among others: `-d` is also in `-qd`.
    has: (...wanted) =>
      wanted.some((option) =>
        options.some(
          (arg) =>
            arg === option ||
            arg.startsWith(`${option}=`) ||
            (option.length === 2 && /^-[A-Za-z]+$/.test(arg) && arg.includes(option[1]!)),
        ),
      ),
  };
}

const RULES = new Map(
  Object.entries<(args: Args) => string | null>({
    checkout: toOtherCommit,
    switch: toOtherCommit,

    reset({ names: [commit, ...more], paths, has }) {
      if (commit === undefined || isHead(commit)) return null;
      if (has("--hard", "--soft", "--merge", "--keep")) return "does not reset to other commits";
      // A reset of paths changes the index alone.
      if (more.length > 0 || (paths?.length ?? 0) > 0) return null;
      return paths || looksLikeCommit(commit) || /^[\w-]+$/.test(commit)
        ? "does not reset to other commits (to unstage a file: git reset -- <path>)"
        : null;
    },

    branch: ({ has }) => (has("-f", "--force") && !has("-d", "-D", "--delete") ? "moves no branches by hand" : null),

    // The commit may be the one that the task began from, which only a look at the tree could tell.
    commit: ({ has }) => (has("--amend") ? "amends no commit: make another, or none, your tree becomes one" : null),

    remote: ({ names: [verb] }) =>
      verb !== undefined && !["show", "get-url"].includes(verb) ? "has no remotes of its own making" : null,

    config({ names, has }) {
      if (["get", "list"].includes(names[0]!) || has("--get", "--get-all", "--get-regexp")) return null;
      const changes = names.length > 1 || has("--unset", "--unset-all", "--remove-section");
      const key = names.find((name) => name.includes(".")) ?? "";
      return changes && /^(remote|url|branch|credential|http|core)\./i.test(key)
        ? "does not change where git sends things"
        : null;
    },
  }),
);

function toOtherCommit({ names, paths, has }: Args): string | null {
  const stays =
    "stays on the commit that its task began from (another is looked at by git show <commit>:<path>, git diff <commit>, git log -p; a file of it is had by git checkout <commit> -- <path>)";
  if (has("-B", "-C", "-d", "-t", "--orphan", "--detach", "--force-create", "--track")) return stays;
  // The command begins a branch: first comes its name, then where it starts.
  if (has("-b", "-c", "--create")) return names[1] !== undefined && !isHead(names[1]) ? stays : null;
  const files = names.length > 1 || (paths?.length ?? 0) > 0 || has("-p", "--patch");
  const [to = ""] = names;
  return !files && (to === "-" || looksLikeCommit(to)) ? stays : null;
}

const isHead = (word: string) => /^(HEAD|@)$/.test(word);

const looksLikeCommit = (word: string) =>
  /^[0-9a-f]{7,40}$/.test(word) ||
  /[~^]|@\{/.test(word) ||
  /^(origin|refs|remotes|tags)\//.test(word) ||
  /^(FETCH|MERGE|ORIG)_HEAD$/.test(word);
