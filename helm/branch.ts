import { OcaptainError } from "../lib/errors.ts";
import { git, gitLine } from "../lib/git/run.ts";
import type { VoyageFolder } from "../lib/paths.ts";
import { rescueMirror } from "./rescue.ts";
import { moveWorkspace } from "./workspace.ts";

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
  /** Moves the branch if it is still at `from`. */
  move(from: string, to: string): Promise<boolean>;
  /** Does the branch hold `commit`? */
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

/** Opens a voyage's bare repository, as prepareRepo (lib/git) made it. */
export function openBranch(folder: VoyageFolder, stack: string, voyageId: string): Branch {
  const bare = { gitDir: folder.repo };
  const ref = `refs/heads/${stack}`;

  async function refs(...names: string[]): Promise<Map<string, string>> {
    const { stdout } = await git(["for-each-ref", "--format=%(refname) %(objectname)", ...names], bare);
    return new Map(
      stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(" ") as [string, string]),
    );
  }

  async function tip(): Promise<string> {
    const found = await gitLine(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`], { ...bare, okCodes: [0, 1, 128] });
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
    const run = await git(["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", onto, ask.commit], {
      ...bare,
      okCodes: [0, 1, 128],
    });
    if (run.exitCode === 128) return { kind: "unknown-commit", message: run.stderr.trim() };
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
    const message = await git(["interpret-trailers", "--if-exists=replace", ...trailers(ask)], {
      ...bare,
      stdin: `${text.trim() || ask.subject}\n`,
    });
    const env = { GIT_AUTHOR_NAME: name || ask.ship, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date };
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
      if ((await git(["update-ref", "-m", "accepted", ref, to, from], { ...bare, okCodes: [0, 1, 128] })).exitCode === 0)
        return true;
      if ((await tip()) !== from) return false;
      throw new OcaptainError("GIT", `${ref} in ${folder.repo} cannot be moved to ${to}`);
    },
    async holds(commit) {
      return (await git(["merge-base", "--is-ancestor", commit, ref], { ...bare, okCodes: [0, 1, 128] })).exitCode === 0;
    },
    rescue: (ask) => rescueMirror(folder, ask),
    showTip: () => moveWorkspace(folder.workspace, stack),
  };
}
