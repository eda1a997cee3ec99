import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { plain, plainLines } from "../../lib/base/text.ts";
import { type Author, writeAuthor } from "../../lib/git/author.ts";
import { mergeTrees } from "../../lib/git/merge.ts";
import { git, gitLine } from "../../lib/git/run.ts";
import { removeStaleLocks } from "../../lib/git/stale-locks.ts";
import { readBranch } from "../../lib/git/voyage-repo.ts";
import type { Outside } from "../../lib/protocol/status.ts";
import { moveWorkspace } from "./checkout.ts";
import { changedFiles, outsideOf, outsideTrailers } from "./outside.ts";
import { rescueMirror } from "./rescue.ts";

/** How many characters of what a ship wrote come into a commit of the branch. */
const MOST_MESSAGE = 32_768;
const MOST_NAME = 200;

/**
 * What a merge onto the tip has come to. Nothing has moved yet: `commit` is the one that would become the tip, and
 * `outside` what it changes outside of what its task touches.
 */
export type Merged =
  | { kind: "clean"; tip: string; commit: string; outside?: Outside | undefined }
  | { kind: "conflict"; tip: string; files: string[] }
  | { kind: "unknown-commit"; message: string };

export type MergeAsk = {
  ship: string;
  task: string;
  epoch: number;
  commit: string;
  subject: string;
  /** The globs of what the task touches, as its plan says it. Without any, nothing is outside. */
  touches?: readonly string[] | undefined;
  /** The commit that the task is to merge in, which is a second parent of the commit to make. */
  merges?: string | undefined;
  /** The author of the commit to make; without one, that of the ship's own commit. */
  author?: Author | undefined;
  /** Whether the author signs the commit off. */
  signOff?: boolean | undefined;
};

/** The voyage's branch as the helm uses it; tests of the protocol bring a simulated one. */
export interface Branch {
  /** The branch's commit now. */
  tip(): Promise<string>;
  /** Merges a ship's commit onto the tip, without a work tree; moves nothing. */
  merge(ask: MergeAsk): Promise<Merged>;
  /**
   * Moves the branch if it is still at `from`; returns whether it was.
   * @throws OcaptainError GIT when the branch cannot be written
   */
  move(from: string, to: string): Promise<boolean>;
  /** The paths in which two commits differ; null when they are too many to be told. */
  touched(from: string, to: string): Promise<string[] | null>;
  /** Says whether the branch holds `commit`. @throws OcaptainError when git gives no clear answer */
  holds(commit: string): Promise<boolean>;
  /** Saves a ship's mirror as `refs/lost/<task>/<epoch>`; null when it holds nothing that `base` has not. */
  rescue(ask: { ship: string; task: string; epoch: number; base: string; reason: string }): Promise<string | null>;
  /** Moves the captain's checkout, `workspace/`, to the tip if it is clean. */
  showTip(): Promise<void>;
  /** The short name of the branch, which is the stack's. */
  readonly name: string;
}

/**
 * How long a tip that git has told is taken as it is while its ref is the same: what happens to the commit itself is
 * seen so late.
 */
const KNOWN_MS = 5000;
/** How long the text of a ship's commit may be, which becomes that of the task's commit. */
const MESSAGE_BYTES = 256 * 1024;

/** Opens a voyage's bare repository, as prepareRepo (lib/git) made it. */
export function openBranch(folder: VoyageFolder, stack: string, voyageId: string): Branch {
  const bare = { gitDir: folder.repo };
  const ref = `refs/heads/${stack}`;

  /** The commits to which these refs lead; a ref to anything else is left out. */
  async function refs(...names: string[]): Promise<Map<string, string>> {
    const { stdout } = await git(["for-each-ref", "--format=%(objecttype) %(refname) %(objectname)", ...names], bare);
    const lines = stdout.split("\n").map((line) => line.split(" "));
    return new Map(lines.flatMap(([type, name, id]) => (type === "commit" ? [[name!, id!] as const] : [])));
  }

  /** The exit code by which git answers, 0 or 1. @throws OcaptainError GIT on anything else, which is no answer */
  const answer = async (...args: string[]) => (await git(args, { ...bare, okCodes: [0, 1] })).exitCode;

  const noBranch = () =>
    new OcaptainError("NO_BRANCH", `${folder.repo} has no branch ${stack}`, { hint: `pulumi up -s ${stack}` });

  /** The tip as git last told it, and the file of the ref as it was just before. */
  let known = { file: "", tip: "", at: Number.NEGATIVE_INFINITY };

  /**
   * Reads the tip. While the file of the ref is as it was when git was last asked, it is not asked again for a while: a
   * status is looked at many times a second, and each question is a process.
   */
  async function tip(): Promise<string> {
    const file = await readFile(join(folder.repo, ref), "utf8").catch(() => "");
    if (file && file === known.file && performance.now() - known.at < KNOWN_MS) return known.tip;
    known = { ...known, file: "" };
    const found = await readBranch(folder.repo, stack);
    if (!found) throw noBranch();
    known = { file, tip: found, at: performance.now() };
    return found;
  }

  /**
   * One commit a task: the merged tree, on the tip, with the message of the ship's own commit, so that `git log` reads
   * as the list of tasks. Its author is the one that the captain has named, or else that of the ship's commit. The
   * ship's commits stay under refs/ships.
   */
  async function merge(ask: MergeAsk): Promise<Merged> {
    const pushed = `refs/ships/${ask.ship}/${ask.task}-${ask.epoch}`;
    const found = await refs(ref, pushed);
    if (found.get(pushed) !== ask.commit) {
      return { kind: "unknown-commit", message: `${pushed} is ${found.get(pushed) ?? "not there"}, not ${ask.commit}` };
    }
    const onto = found.get(ref);
    if (!onto) throw noBranch();
    const base = await git(["merge-base", onto, ask.commit], { ...bare, okCodes: [0, 1] });
    if (base.exitCode === 1) return { kind: "unknown-commit", message: `${ask.commit} has no history in common with the branch` };
    const parents = await parentsOf(onto, ask);
    if (!parents)
      return {
        kind: "unknown-commit",
        message: `${ask.commit} does not hold ${ask.merges}, which task ${ask.task} is to merge in`,
      };
    // A commit on top of the tip is the merge already.
    const merged = base.stdout.trim() === onto ? null : await mergeTrees(folder.repo, onto, ask.commit);
    if (merged && merged.files.length > 0) return { kind: "conflict", tip: onto, files: merged.files };

    const shown = await git(
      ["show", "--no-patch", "--no-show-signature", "--format=%T%x00%an%x00%ae%x00%ad%x00%B", "--date=raw", ask.commit],
      { ...bare, mostBytes: MESSAGE_BYTES },
    ).catch((error: unknown) => {
      if (error instanceof OcaptainError && error.code === "GIT_TOO_LONG") return null;
      throw error;
    });
    if (!shown) return { kind: "unknown-commit", message: `the message of ${ask.commit} is longer than ${MESSAGE_BYTES} bytes` };
    const [itsTree = "", name = "", email = "", date = "", text = ""] = shown.stdout.split("\0");
    const tree = merged?.tree ?? itsTree;
    // The trailers that say who did what, and who answers for it, are the helm's alone.
    const own = plainLines(text, { most: MOST_MESSAGE })
      .replace(/^(?:Task|Ship|Voyage|Outside-Touches|Signed-off-by)[ \t]*:.*$\n?/gim, "")
      .trim();
    const changes = { repo: folder.repo, from: onto, to: tree };
    const outside = ask.touches?.length ? await outsideOf(ask.touches, changes) : undefined;
    const message = await git(["interpret-trailers", "--no-divider", ...trailers(ask, outside)], {
      ...bare,
      stdin: `${own || plain(ask.subject)}\n`,
    });
    const env = {
      GIT_AUTHOR_NAME: ask.author?.name ?? (plain(name, { most: MOST_NAME }).trim() || ask.ship),
      GIT_AUTHOR_EMAIL: ask.author?.email ?? plain(email, { most: MOST_NAME }),
      GIT_AUTHOR_DATE: /^\d{1,11} [+-]\d{4}$/.test(date) ? date : "",
    };
    const commit = await gitLine(["commit-tree", tree, ...parents, "-F", "-"], { ...bare, stdin: message.stdout, env });
    return { kind: "clean", tip: onto, commit, outside };
  }

  /** The options that name the parents of the commit to make; null where a ship's commit lacks what it is to bring. */
  async function parentsOf(onto: string, { merges, commit }: MergeAsk): Promise<string[] | null> {
    const holds = async (whole: string) => (await answer("merge-base", "--is-ancestor", merges!, whole)) === 0;
    if (merges === undefined || (await holds(onto))) return ["-p", onto];
    return (await holds(commit)) ? ["-p", onto, "-p", merges] : null;
  }

  const trailers = (ask: MergeAsk, outside: Outside | undefined) => [
    "--if-exists=replace",
    `--trailer=Task: ${ask.task}`,
    `--trailer=Ship: ${ask.ship}`,
    `--trailer=Voyage: ${voyageId}`,
    "--if-exists=add",
    ...(outside ? outsideTrailers(outside).map((line) => `--trailer=${line}`) : []),
    ...(ask.signOff && ask.author ? [`--trailer=Signed-off-by: ${writeAuthor(ask.author)}`] : []),
  ];

  return {
    name: stack,
    tip,
    merge,
    async move(from, to) {
      const moving = () => git(["update-ref", "-m", "accepted", ref, to, from], { ...bare, okCodes: [0, 1, 128] });
      let moved = await moving();
      if (moved.exitCode === 0) return true;
      // git says the same of a branch that is elsewhere by now and of one that it cannot write.
      if ((await tip()) !== from) return false;
      const { held } = await removeStaleLocks(folder.repo);
      moved = await moving();
      if (moved.exitCode === 0) return true;
      if ((await tip()) !== from) return false;
      const hint = held[0] ? `end the git that holds it, or: rm ${held[0]}` : undefined;
      const why = moved.stderr.trim().slice(-500);
      throw new OcaptainError("GIT", `${ref} in ${folder.repo} cannot be moved: ${why}`, hint === undefined ? {} : { hint });
    },
    touched: (from, to) => changedFiles(folder.repo, from, to),
    async holds(commit) {
      // git cannot say whose ancestor a commit is that is not there at all.
      if ((await answer("cat-file", "-e", commit)) === 1) return false;
      return (await answer("merge-base", "--is-ancestor", commit, ref)) === 0;
    },
    rescue: (ask) => rescueMirror(folder, ask),
    showTip: () => moveWorkspace(folder.workspace, stack),
  };
}
