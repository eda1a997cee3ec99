import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ShipGit } from "./git.ts";
import type { Journal } from "./journal.ts";
import { findLeft } from "./left.ts";
import { whyMoved } from "./moved.ts";
import { aboutNested, nestedRepos, type RunGit } from "./nested.ts";
import type { Ship } from "./ship.ts";
import { HelmAway, transfer } from "./transfer.ts";
import { TreeUnready } from "./tree-unready.ts";

/** After so many failures that are not the line's, our own clone is not trusted any more. */
const DISTRUST_AT = 2;

/** The ship's clone in `~/voyage/workspace`: what the supervisor does with it. */
export class Tree {
  readonly #ship: Ship;
  readonly #git: ShipGit;
  readonly #url: string;
  readonly #journal: Journal;
  readonly #patienceMs: number;
  readonly folder: string;
  #distrusted = false;
  /** `<task>-<epoch>` that the next reset makes the tree ready for. */
  claim = "0-0";

  /** @param patienceMs how long a fetch or a push is tried while the helm is away: a lease */
  constructor(ship: Ship, journal: Journal, patienceMs: number) {
    this.#ship = ship;
    this.#git = new ShipGit(ship);
    this.#journal = journal;
    this.#patienceMs = patienceMs;
    this.folder = ship.workspace;
    this.#url = `${ship.config.helmUrl}/git/${ship.config.voyageId}`;
  }

  /** The next reset makes the clone anew: nothing could be begun in the one that is there. */
  distrust(): void {
    this.#distrusted = true;
  }

  /**
   * Brings `branch` here and sets the tree to `commit`, which it holds: tracked files as committed, untracked ones gone. Ignored files stay: they
   * are caches (node_modules, build output) that cost minutes, and no result, since only what git sees is committed.
   * A clone that cannot be used (a death in its first minute, a bad disk) is made anew. What would be lost is saved first (see {@link saveLeft}).
   * Throws TreeUnready, HelmAway, the signal's reason.
   */
  async reset(branch: string, commit: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#reset(branch, commit, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof HelmAway ? error : new TreeUnready(error as Error);
    }
  }

  async #reset(branch: string, commit: string, signal: AbortSignal): Promise<void> {
    if (this.#distrusted) {
      await this.saveLeft(commit, signal);
      rmSync(join(this.folder, ".git"), { recursive: true, force: true });
      this.#distrusted = false;
    }
    await this.fetch(branch, signal);
    await this.saveLeft(commit, signal);
    for (const left of ["rebase-merge", "rebase-apply"])
      rmSync(join(this.folder, ".git", left), { recursive: true, force: true });
    await this.#git.run(["symbolic-ref", "HEAD", `refs/heads/${this.#ship.config.ship}`], signal);
    await this.#git.run(["reset", "--quiet", "--hard", commit], signal);
    await this.#git.run(["clean", "--quiet", "-ffd"], signal);
    writeFileSync(this.#claimFile, this.claim);
  }

  /** Sets the tree back to its commit. Returns the files and folders that git did not know and did not ignore; they are gone, ignored ones stay. */
  async backToCommit(signal: AbortSignal): Promise<string[]> {
    const unknown = lines(await this.#git.run(["ls-files", "--others", "--exclude-standard", "--directory", "-z"], signal));
    await this.#git.run(["reset", "--quiet", "--hard"], signal);
    await this.#git.run(["clean", "--quiet", "-ffd"], signal);
    return unknown;
  }

  /**
   * Saves what lies in the tree and is nowhere else as `refs/ships/<ship>/left-<task>-<epoch>`, by the claim that the tree was last made ready for.
   * Throws HelmAway when it could be saved and the line is down: then the tree must stay. Everything else is noted, and no reason to stop: a
   * ship whose disk is full, or whose tree the helm refuses, must get on.
   *
   * @param base the tip, for a clone without a commit
   */
  async saveLeft(base: string, signal: AbortSignal): Promise<void> {
    if (!existsSync(join(this.folder, ".git", "HEAD"))) return;
    const { ship } = this.#ship.config;
    const claim = this.#claimOfTree();
    const [ref, saved] = [`refs/ships/${ship}/left-${claim}`, `refs/remotes/ships/left-${claim}`];
    const git: RunGit = (args, { input, cwd } = {}) => this.#git.run(args, signal, input, cwd);
    try {
      rmSync(join(this.folder, ".git", "index.lock"), { force: true });
      const message = `What ${ship} left of ${claim}, not delivered\n`;
      const commit = await findLeft(git, { folder: this.folder, base, earlier: saved, message });
      if (!commit) return;
      await git(["update-ref", `refs/left/${claim}`, commit]);
      await this.#push(commit, ref, signal);
      await git(["update-ref", saved, commit]);
      this.#journal.note("left", `what was not delivered is kept as ${ref}`, { ref, commit });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HelmAway) throw error;
      this.#journal.note("left-lost", `what lies in the tree was not saved as ${ref}: ${(error as Error).message}`, { ref });
    }
  }

  /** Fetches the voyage's branch. Throws HelmAway. A clone with which it fails twice, with the helm there, is made anew. */
  async fetch(branch: string, signal: AbortSignal): Promise<void> {
    let distrusted = false;
    await this.#transfer(signal, async (failures) => {
      if (failures === DISTRUST_AT && !distrusted) {
        distrusted = true;
        rmSync(join(this.folder, ".git"), { recursive: true, force: true });
      }
      if (!existsSync(join(this.folder, ".git", "HEAD"))) {
        mkdirSync(this.folder, { recursive: true });
        await this.#git.run(["init", "--quiet"], signal);
        // Mutagen's files of a moment lie in the tree that it syncs: never part of a commit.
        mkdirSync(join(this.folder, ".git", "info"), { recursive: true });
        writeFileSync(join(this.folder, ".git", "info", "exclude"), ".mutagen-temporary-*\n");
      }
      await this.#fetchInto(this.folder, branch, signal);
    });
  }

  /**
   * Commits the tree as it lies, as **one** commit on `parents`, whatever a hand committed or branched meanwhile; also when nothing changed.
   * Returns its id. Throws when HEAD was moved to where `parents` are not (moved.ts), and when a repository lies in the tree that is no submodule: its
   * files would not be in the commit.
   */
  async commit(parents: string[], message: string, signal: AbortSignal): Promise<string> {
    const git: RunGit = (args, { input, cwd } = {}) => this.#git.run(args, signal, input, cwd);
    const moved = await whyMoved(git, parents);
    signal.throwIfAborted();
    if (moved) throw new Error(moved);
    const added = await this.#git.run(["add", "--all"], signal).then(
      () => null,
      (error: Error) => error,
    );
    const nested = await nestedRepos(git, this.folder, parents);
    if (nested.length > 0) throw new Error(aboutNested(nested));
    if (added) throw added;
    const tree = await this.#git.run(["write-tree"], signal);
    const commit = await this.#git.run(
      ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-F", "-"],
      signal,
      message,
    );
    await this.#git.run(["update-ref", "--no-deref", "HEAD", commit], signal);
    this.#forgetMerge();
    return commit;
  }

  /** Is there anything in the tree, ignored files apart, that `commit` has not? */
  async differsFrom(commit: string, signal: AbortSignal): Promise<boolean> {
    await this.#git.run(["add", "--all"], signal);
    return (await this.#git.run(["write-tree"], signal)) !== (await this.#git.run(["rev-parse", `${commit}^{tree}`], signal));
  }

  /** Merges `tip` into the tree (not committed). False, and the tree as it was, when texts conflict. */
  async merge(tip: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#git.run(["merge", "--quiet", "--no-commit", "--no-ff", tip], signal);
      return true;
    } catch {
      await this.#git.run(["merge", "--abort"], signal);
      return false;
    }
  }

  /**
   * Merges `tip` into the tree as far as it goes and leaves what conflicts to the hand, with git's marks in the texts. Returns the files in
   * conflict; none when it went through. Throws what git says when it cannot begin, as with a file in the way.
   */
  async mergeForHand(tip: string, signal: AbortSignal): Promise<string[]> {
    try {
      await this.#git.run(["-c", "merge.conflictStyle=merge", "merge", "--quiet", "--no-commit", "--no-ff", tip], signal);
      return [];
    } catch (error) {
      signal.throwIfAborted();
      if (!existsSync(join(this.folder, ".git", "MERGE_HEAD"))) throw error;
      return lines(await this.#git.run(["diff", "--name-only", "--diff-filter=U", "-z"], signal));
    }
  }

  /** Those of `files` that still hold a conflict's marks. */
  async unresolved(files: readonly string[], signal: AbortSignal): Promise<string[]> {
    const there = files.filter((file) => existsSync(join(this.folder, file)));
    if (there.length === 0) return [];
    const found = await this.#git
      .run(["grep", "--no-index", "-lzE", "^(<<<<<<<|>>>>>>>) ", "--", ...there.map((file) => `:(literal)${file}`)], signal)
      .catch(() => "");
    signal.throwIfAborted();
    return lines(found);
  }

  /** Once its result is committed, git must not think that a merge is still going on. */
  #forgetMerge(): void {
    for (const file of ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE"])
      rmSync(join(this.folder, ".git", file), { force: true });
  }

  /** Pushes to `refs/ships/<ship>/<task>-<epoch>`. Throws HelmAway. */
  async push(commit: string, task: string, epoch: number, signal: AbortSignal): Promise<void> {
    await this.#push(commit, `refs/ships/${this.#ship.config.ship}/${task}-${epoch}`, signal);
    await this.#git.run(["update-ref", "refs/remotes/ships/pushed", commit], signal);
  }

  /** "3 files changed, 10 insertions(+)", or "" for an empty commit. */
  async shortStat(from: string, to: string, signal: AbortSignal): Promise<string> {
    return (await this.#git.run(["diff", "--shortstat", from, to], signal)).trim();
  }

  /** A new clone of its own at `folder`: from the helm, not from the workspace, whose object store agents can write. */
  async checkoutFresh(folder: string, branch: string, commit: string, signal: AbortSignal): Promise<void> {
    mkdirSync(folder, { recursive: true });
    await this.#git.run(["init", "--quiet"], signal, undefined, folder);
    await this.#transfer(signal, () => this.#fetchInto(folder, branch, signal));
    await this.#git.run(["checkout", "--quiet", "--detach", commit], signal, undefined, folder);
  }

  /** Below `refs/ships/<ship>/`, the one place the helm lets us write. */
  #push(commit: string, ref: string, signal: AbortSignal): Promise<void> {
    return this.#transfer(signal, () => this.#git.run(["push", "--quiet", this.#url, `+${commit}:${ref}`], signal));
  }

  #transfer(signal: AbortSignal, job: (failures: number) => Promise<unknown>): Promise<void> {
    return transfer(job, { totalMs: this.#patienceMs, signal });
  }

  #fetchInto(folder: string, branch: string, signal: AbortSignal): Promise<string> {
    const spec = `+refs/heads/${branch}:refs/remotes/origin/${branch}`;
    return this.#git.run(["fetch", "--quiet", "--no-tags", this.#url, spec], signal, undefined, folder);
  }

  /** In the clone, so that it is of the tree also when the supervisor was another. */
  get #claimFile(): string {
    return join(this.folder, ".git", "ocaptain-claim");
  }

  #claimOfTree(): string {
    try {
      return /^\d+-\d+$/.exec(readFileSync(this.#claimFile, "utf8"))?.[0] ?? this.claim;
    } catch {
      return this.claim;
    }
  }
}

const lines = (text: string) => text.split("\0").filter(Boolean);
