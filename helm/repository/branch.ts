import { OcaptainError } from "../../lib/base/errors.ts";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { plain, plainLines } from "../../lib/base/text.ts";
import { git, gitLine } from "../../lib/git/run.ts";
import { removeStaleLocks } from "../../lib/git/stale-locks.ts";
import { readBranch } from "../../lib/git/voyage-repo.ts";
import { moveWorkspace } from "./checkout.ts";
import { withAttributes } from "./merge-attributes.ts";
import { rescueMirror } from "./rescue.ts";

/** Characters of what a ship wrote, that come into a commit of the branch. */
const MOST_MESSAGE = 32_768;
const MOST_NAME = 200;

/** What a merge onto the tip came to. Nothing has moved yet: `commit` is the one that would become the tip. */
export type Merged =
  | { kind: "clean"; tip: string; commit: string }
  | { kind: "conflict"; tip: string; files: string[] }
  | { kind: "unknown-commit"; message: string };

export type MergeAsk = { ship: string; task: string; epoch: number; commit: string; subject: string };

/** The voyage's repository as the ledger uses it; tests of the protocol bring a simulated one. */
export interface Branch {
  /** The branch's commit now. */
  tip(): Promise<string>;
  merge(ask: MergeAsk): Promise<Merged>;
  /** Moves the branch if it is still at `from`. Throws when that cannot be done, whoever is at fault. */
  move(from: string, to: string): Promise<boolean>;
  /** Paths in which two commits differ. */
  touched(from: string, to: string): Promise<string[]>;
  /** Does the branch hold `commit`? Throws when git gives no clear answer. */
  holds(commit: string): Promise<boolean>;
  /** Saves a ship's mirror as `refs/lost/<task>/<epoch>`; null when it holds nothing that `base` has not. */
  rescue(ask: { ship: string; task: string; epoch: number; base: string; reason: string }): Promise<string | null>;
  /** Moves `workspace/` to the tip if it is clean. */
  showTip(): Promise<void>;
  /** Its short name: the stack. */
  readonly name: string;
}

/** The text of a ship's commit, which becomes that of the task's. */
const MESSAGE_BYTES = 256 * 1024;

/** Of a large tree on a busy machine; a ship asks again meanwhile. */
const MERGE_MS = 5 * 60_000;

/** Opens a voyage's bare repository, as prepareRepo (lib/git) made it. */
export function openBranch(folder: VoyageFolder, stack: string, voyageId: string): Branch {
  const bare = { gitDir: folder.repo };
  const ref = `refs/heads/${stack}`;

  /** Of commits: a ref to anything else is not in it. */
  async function refs(...names: string[]): Promise<Map<string, string>> {
    const { stdout } = await git(["for-each-ref", "--format=%(objecttype) %(refname) %(objectname)", ...names], bare);
    const lines = stdout.split("\n").map((line) => line.split(" "));
    return new Map(lines.flatMap(([type, name, id]) => (type === "commit" ? [[name!, id!] as const] : [])));
  }

  /** 0 or 1 as git answers; throws on anything else, which is no answer. */
  const answer = async (...args: string[]) => (await git(args, { ...bare, okCodes: [0, 1] })).exitCode;

  async function tip(): Promise<string> {
    const found = await readBranch(folder.repo, stack);
    if (found) return found;
    throw new OcaptainError("NO_BRANCH", `${folder.repo} has no branch ${stack}`, { hint: "pulumi up" });
  }

  /**
   * One commit a task: the merged tree, on the tip, with the author and message of the ship's own commit, so that `git log` reads as the list
   * of tasks. The ship's commits stay under refs/ships.
   */
  async function merge(ask: MergeAsk): Promise<Merged> {
    const pushed = `refs/ships/${ask.ship}/${ask.task}-${ask.epoch}`;
    const found = await refs(ref, pushed);
    if (found.get(pushed) !== ask.commit) {
      return { kind: "unknown-commit", message: `${pushed} is ${found.get(pushed) ?? "not there"}, not ${ask.commit}` };
    }
    const onto = found.get(ref);
    if (!onto) throw new OcaptainError("NO_BRANCH", `${folder.repo} has no branch ${stack}`, { hint: "pulumi up" });
    if ((await answer("merge-base", onto, ask.commit)) === 1)
      return { kind: "unknown-commit", message: `${ask.commit} has no history in common with the branch` };
    const run = await withAttributes(folder.repo, onto, (options) =>
      git(["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", onto, ask.commit], {
        ...options,
        okCodes: [0, 1],
        timeoutMs: MERGE_MS,
      }),
    );
    const [tree, ...files] = run.stdout.split("\0").filter(Boolean);
    if (run.exitCode === 1) return { kind: "conflict", tip: onto, files: [...new Set(files)] };

    const shown = await git(
      ["show", "--no-patch", "--no-show-signature", "--format=%an%x00%ae%x00%ad%x00%B", "--date=raw", ask.commit],
      { ...bare, mostBytes: MESSAGE_BYTES },
    ).catch((error: unknown) => {
      if (error instanceof OcaptainError && error.code === "GIT_TOO_LONG") return null;
      throw error;
    });
    if (!shown) return { kind: "unknown-commit", message: `the message of ${ask.commit} is longer than ${MESSAGE_BYTES} bytes` };
    const [name = "", email = "", date = "", text = ""] = shown.stdout.split("\0");
    // The trailers that say who did what are ours alone.
    const own = plainLines(text, { most: MOST_MESSAGE })
      .replace(/^(?:Task|Ship|Voyage)[ \t]*:.*$\n?/gim, "")
      .trim();
    const message = await git(["interpret-trailers", "--no-divider", "--if-exists=replace", ...trailers(ask)], {
      ...bare,
      stdin: `${own || plain(ask.subject)}\n`,
    });
    const env = {
      GIT_AUTHOR_NAME: plain(name, { most: MOST_NAME }).trim() || ask.ship,
      GIT_AUTHOR_EMAIL: plain(email, { most: MOST_NAME }),
      GIT_AUTHOR_DATE: /^\d{1,11} [+-]\d{4}$/.test(date) ? date : "",
    };
    const commit = await gitLine(["commit-tree", tree!, "-p", onto, "-F", "-"], { ...bare, stdin: message.stdout, env });
    return { kind: "clean", tip: onto, commit };
  }

  const trailers = (ask: MergeAsk) => [
    `--trailer=Task: ${ask.task}`,
    `--trailer=Ship: ${ask.ship}`,
    `--trailer=Voyage: ${voyageId}`,
  ];

  return {
    name: stack,
    tip,
    merge,
    async move(from, to) {
      const moving = () => git(["update-ref", "-m", "accepted", ref, to, from], { ...bare, okCodes: [0, 1, 128] });
      let moved = await moving();
      if (moved.exitCode === 0) return true;
      // It says the same of a branch that is elsewhere by now and of one that it cannot write.
      if ((await tip()) !== from) return false;
      const { held } = await removeStaleLocks(folder.repo);
      moved = await moving();
      if (moved.exitCode === 0) return true;
      if ((await tip()) !== from) return false;
      const hint = held[0] ? `end the git that holds it, or: rm ${held[0]}` : undefined;
      const why = moved.stderr.trim().slice(-500);
      throw new OcaptainError("GIT", `${ref} in ${folder.repo} cannot be moved: ${why}`, hint === undefined ? {} : { hint });
    },
    async touched(from, to) {
      const { stdout } = await git(["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to], bare);
      return stdout.split("\0").filter(Boolean);
    },
    async holds(commit) {
      // Of a commit that is not there at all git cannot say whose ancestor it is.
      if ((await answer("cat-file", "-e", commit)) === 1) return false;
      return (await answer("merge-base", "--is-ancestor", commit, ref)) === 0;
    },
    rescue: (ask) => rescueMirror(folder, ask),
    showTip: () => moveWorkspace(folder.workspace, stack),
  };
}
