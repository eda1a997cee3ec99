import { mkdirSync } from "node:fs";
import type { Journal } from "../machine/journal.ts";
import type { ThisShip } from "../machine/ship.ts";
import { type Committed, commitTree, differsFrom } from "./commit.ts";
import { PUSHED, type TreeContext } from "./context.ts";
import { ShipGit } from "./git.ts";
import { HelmRepository } from "./helm-repository.ts";
import { saveAside, saveLeft } from "./keep-left.ts";
import { mergeCleanly, mergeForHand, unresolved } from "./merge.ts";
import { TreeNotes } from "./notes.ts";
import { fetchBranch } from "./own-git.ts";
import { backToCommit, fillSubmodules, resetTree } from "./reset.ts";

/**
 * The ship's tree in `~/voyage/workspace`, and what the supervisor does with it. It does all by a git directory of its
 * own; the `.git` in the tree is the agent's, and is made anew for each claim (docs/adr/the-crews-own-git.md).
 */
export class Tree {
  readonly folder: string;
  readonly #context: TreeContext;
  #distrusted = false;

  /** @param patienceMs how long a fetch or a push is tried while the helm does not answer: a lease */
  constructor(ship: ThisShip, journal: Journal, patienceMs: number) {
    const shipGit = new ShipGit(ship);
    this.folder = ship.workspace;
    this.#context = {
      ship,
      journal,
      remote: new HelmRepository(ship, patienceMs),
      notes: new TreeNotes(ship.repo),
      git: (signal) => (args, options) => shipGit.run(args, signal, options),
    };
  }

  /** Names the claim that the next {@link reset} makes the tree ready for. */
  assign(task: string, epoch: number): void {
    this.#context.notes.next = `${task}-${epoch}`;
  }

  /** Has the next {@link reset} make the crew's clone anew: nothing could be begun in the one that is there. */
  distrust(): void {
    this.#distrusted = true;
  }

  /**
   * Sets the tree to `commit` of `branch`; what would be lost is saved first. Throws TreeUnready, HelmAway, the
   * signal's reason.
   */
  async reset(branch: string, commit: string, signal: AbortSignal): Promise<void> {
    await resetTree(this.#context, { branch, commit, distrusted: this.#distrusted }, signal);
    this.#distrusted = false;
  }

  /** Sets the tree back to its commit. Returns the files that git neither knew nor ignored; they are gone. */
  backToCommit(signal: AbortSignal): Promise<string[]> {
    return backToCommit(this.#context, signal);
  }

  /** Saves what is nowhere else as `refs/ships/<ship>/left-<task>-<epoch>`. Throws HelmAway. @param base the tip */
  saveLeft(base: string, signal: AbortSignal): Promise<void> {
    return saveLeft(this.#context, base, signal);
  }

  /**
   * Saves stashes and branches beside the commit `delivered`. Returns a sentence about them, or "". Throws HelmAway.
   */
  saveAside(delivered: string, signal: AbortSignal): Promise<string> {
    return saveAside(this.#context, delivered, signal);
  }

  /** Fetches the voyage's branch. Throws HelmAway. */
  fetch(branch: string, signal: AbortSignal): Promise<void> {
    return fetchBranch(this.#context, branch, signal);
  }

  /** Fetches a commit that a task merges in; the helm keeps it under a ref of its name. Throws HelmAway. */
  fetchMerged(commit: string, signal: AbortSignal): Promise<void> {
    const { remote } = this.#context;
    return remote.fetchRef(this.#context.git(signal), `refs/landing/${commit}`, signal);
  }

  /** Commits the tree as it lies, on `parents`. Throws findings for the hand, and TreeUnready. */
  commit(parents: string[], message: string, signal: AbortSignal): Promise<Committed> {
    return commitTree(this.#context, parents, message, signal);
  }

  /** Tells whether anything lies in the tree, ignored files apart, that `commit` has not. */
  differsFrom(commit: string, signal: AbortSignal): Promise<boolean> {
    return differsFrom(this.#context, commit, signal);
  }

  /** Merges `tip` into the tree. Returns false, with the tree as it was, when texts conflict. */
  merge(tip: string, signal: AbortSignal): Promise<boolean> {
    return mergeCleanly(this.#context, tip, signal);
  }

  /** Merges `tip` into the tree and returns the files whose conflict is left to the hand. */
  mergeForHand(tip: string, signal: AbortSignal): Promise<string[]> {
    return mergeForHand(this.#context, tip, signal);
  }

  /** Returns those of `files` that still hold a conflict's marks. */
  unresolved(files: readonly string[], signal: AbortSignal): Promise<string[]> {
    return unresolved(this.#context, files, signal);
  }

  /** Pushes to `refs/ships/<ship>/<task>-<epoch>`. Throws HelmAway. */
  async push(commit: string, task: string, epoch: number, signal: AbortSignal): Promise<void> {
    const { ship, remote } = this.#context;
    const git = this.#context.git(signal);
    await remote.push(git, commit, `refs/ships/${ship.config.ship}/${task}-${epoch}`, signal);
    await git(["update-ref", PUSHED, commit]);
  }

  /** Returns "3 files changed, 10 insertions(+)", or "" where nothing changed. */
  async shortStat(from: string, to: string, signal: AbortSignal): Promise<string> {
    return (await this.#context.git(signal)(["diff", "--shortstat", from, to])).trim();
  }

  /** Makes a new clone at `folder`: from the helm, not from the workspace, whose object store agents can write. */
  async checkoutFresh(folder: string, branch: string, commit: string, signal: AbortSignal): Promise<void> {
    const { remote } = this.#context;
    const git = this.#context.git(signal);
    mkdirSync(folder, { recursive: true });
    await git(["init", "--quiet"], { cwd: folder });
    await remote.transfer(signal, () => remote.fetchOnce(git, branch, { cwd: folder }));
    await git(["checkout", "--quiet", "--detach", commit], { cwd: folder });
    await fillSubmodules(this.#context, (args, options) => git(args, { cwd: folder, ...options }), folder, signal);
  }
}
