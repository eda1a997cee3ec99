import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Journal } from "../machine/journal.ts";
import type { Ship } from "../machine/ship.ts";
import { lendObjects, makeAgentsGit, readAgentsGit, showMerge } from "./agents-git.ts";
import { bytesOf, ensureFolder, isFile, openAll, removeAll, textOf, unfreeze } from "./files.ts";
import { checkFilters } from "./filters.ts";
import { type GitOptions, type RunGit, ShipGit, unlessUnanswered } from "./git.ts";
import { HelmAway, transfer } from "./git-retry.ts";
import { whyMoved } from "./head-check.ts";
import { indexed, linksOf } from "./indexed.ts";
import { initialiseSubmodules } from "./initialise.ts";
import { namesOf, shown } from "./names.ts";
import { aboutNested, nestedRepos } from "./nested-repos.ts";
import { ensureRepo } from "./own-git.ts";
import { findStrays, type Strays } from "./strays.ts";
import { checkSubmodules, restoreSubmodule } from "./submodules.ts";
import { TreeUnready } from "./unready.ts";
import { findAside, findLeft } from "./unsaved-work.ts";

/** After so many failures that are not the line's, our own clone is not trusted any more. */
const DISTRUST_AT = 2;
/** The mirror may write a file between two of our looks. */
const LOOKS = 2;
/** `ignored`: what the task has made and is in no commit, since git ignores it, or can hold no such thing (a socket); of a folder its name. */
export type Committed = { commit: string; ignored: string[] };

/**
 * The ship's tree in `~/voyage/workspace`: what the supervisor does with it. It does all by a git directory of its own; the `.git` in the tree is the
 * agent's, and made anew for each claim.
 */
export class Tree {
  readonly #ship: Ship;
  readonly #shipGit: ShipGit;
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
    this.#shipGit = new ShipGit(ship);
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
   * What would be lost is saved first (see {@link saveLeft}). What stands in the way of it is mended; when that is of no use our own git is made anew.
   * Throws TreeUnready, HelmAway, the signal's reason.
   */
  async reset(branch: string, commit: string, signal: AbortSignal): Promise<void> {
    const ways = [async () => {}, () => this.#mend(), () => this.#beginAnew(commit, signal)];
    for (let way = this.#distrusted ? 2 : 0; ; way++) {
      try {
        await ways[way]!();
        await this.fetch(branch, signal, true);
        await this.#reset(branch, commit, signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof HelmAway) throw error;
        const { message } = error as Error;
        if (way === ways.length - 1 || /No space left/.test(message)) throw new TreeUnready(error as Error);
        this.#journal.note("tree", `the tree was not made ready: ${message}; ${way === 0 ? "it is mended" : "it is made anew"}`);
      }
    }
  }

  async #reset(branch: string, ref: string, signal: AbortSignal): Promise<void> {
    const { ship } = this.#ship.config;
    const git = this.#git(signal);
    await this.saveLeft(ref, signal);
    const commit = await git(["rev-parse", "--verify", `${ref}^{commit}`]);
    await git(["update-ref", "--no-deref", "HEAD", commit]);
    const { paths, modules } = await this.#toHead(git);
    const { strays, ignored } = await this.#look(git, paths);
    for (const path of [...strays.special, ...strays.gits]) await removeAll(join(this.folder, textOf(path)));
    const stays = [...strays.unreadable, ...strays.files];
    if (stays.length > 0) throw new Error(`what lies in the tree cannot be removed: ${namesOf(stays.map(shown))}`);
    const { repo } = this.#ship;
    const shownRefs = { [`refs/remotes/origin/${branch}`]: commit };
    await makeAgentsGit(this.folder, { repo, branch: ship, head: commit, refs: shownRefs }, modules);
    await this.#initialise(git, this.folder, signal);
    writeFileSync(this.#ignoredFile, JSON.stringify([...ignored]));
    writeFileSync(this.#claimFile, this.claim);
  }

  async #initialise(git: RunGit, folder: string, signal: AbortSignal): Promise<void> {
    for (const wrong of await initialiseSubmodules(git, folder, signal)) this.#journal.note("submodule", wrong);
  }

  /** Sets tracked files as committed and removes all others that are not ignored, also from folders of submodules. Returns what is tracked, and the git directories of submodules that are as they should be. */
  async #toHead(git: RunGit): Promise<{ paths: string[]; modules: string[] }> {
    await git(["reset", "--quiet", "--hard"]);
    await git(["clean", "--quiet", "-ffd"]);
    const { paths, links } = await indexed(git);
    const modules: string[] = [];
    for (const link of links) {
      const folder = join(this.folder, textOf(link.path));
      const module = await restoreSubmodule(git, { folder: this.folder, repo: this.#ship.repo }, link);
      if (module !== null) modules.push(module);
      else if (existsSync(folder)) for (const name of readdirSync(folder)) await removeAll(join(folder, name));
    }
    return { paths, modules };
  }

  /** Gives the crew back what an agent has taken from it; the index is read anew from the files. */
  async #mend(): Promise<void> {
    ensureFolder(this.folder);
    await unfreeze(this.folder);
    openAll(bytesOf(this.folder));
    rmSync(join(this.#ship.repo, "index"), { force: true });
  }

  /** All of our own git is had from the helm once more. */
  async #beginAnew(commit: string, signal: AbortSignal): Promise<void> {
    await this.saveLeft(commit, signal);
    await this.#mend();
    await this.#forget();
    this.#distrusted = false;
  }

  /** Removes our own git, but for what no helm knows: whose claim lies in the tree, and what the plan's steps let git ignore. */
  async #forget(): Promise<void> {
    const { repo } = this.#ship;
    const kept = [this.#claimFile, join(repo, "info", "exclude")].flatMap((file) =>
      existsSync(file) ? [[file, readFileSync(file)] as const] : [],
    );
    await removeAll(repo);
    mkdirSync(join(repo, "info"), { recursive: true });
    for (const [file, text] of kept) writeFileSync(file, text);
  }

  /** Sets the tree back to its commit. Returns the files and folders that git did not know and did not ignore; they are gone, ignored ones stay. */
  async backToCommit(signal: AbortSignal): Promise<string[]> {
    const git = this.#git(signal);
    // By a step, as the plan is: a task's own list of what to ignore does not last.
    const [from, to] = [join(this.folder, ".git"), this.#ship.repo].map((dir) => join(dir, "info", "exclude"));
    if (existsSync(from!)) copyFileSync(from!, to!);
    const unknown = lines(await git(["ls-files", "--others", "--exclude-standard", "--directory", "-z"]));
    await this.#toHead(git);
    return unknown;
  }

  /**
   * Saves what lies in the tree and in its `.git` and is nowhere else as `refs/ships/<ship>/left-<task>-<epoch>`, by the claim that the tree was last made
   * ready for. Throws HelmAway when it could be saved and the line is down: then the tree must stay. Everything else is noted, and no reason to stop: a
   * ship whose disk is full, or whose tree the helm refuses, must get on.
   *
   * @param base the tip, for a clone without a commit
   */
  async saveLeft(base: string, signal: AbortSignal): Promise<void> {
    if (!existsSync(this.#ship.repo)) return;
    const claim = this.#claimOfTree();
    const { ship } = this.#ship.config;
    await this.#keep(claim, signal, async (git, earlier) => {
      await ensureRepo(git, this.#ship.repo);
      ensureFolder(this.folder);
      const index = join(this.#ship.repo, "index");
      const own = `${index}-left`;
      rmSync(own, { force: true });
      if (existsSync(index)) copyFileSync(index, own);
      const message = `What ${ship} left of ${claim}, not delivered\n`;
      const ask = { repo: this.#ship.repo, folder: this.folder, base, earlier, pushed: PUSHED, message };
      return findLeft((args, options) => git(args, { index: own, ...options }), ask);
    });
  }

  /**
   * Saves what the `.git` of the tree holds on to beside `delivered`, what the tree became: stashes, branches. In words, for people; "" when there is
   * nothing. Throws HelmAway.
   */
  async saveAside(delivered: string, signal: AbortSignal): Promise<string> {
    const claim = this.#claimOfTree();
    const saved = await this.#keep(claim, signal, (git, earlier) => {
      const message = `What ${this.#ship.config.ship} left of ${claim} beside what it delivered\n`;
      return findAside(git, { repo: this.#ship.repo, folder: this.folder, delivered, earlier, message });
    });
    return saved ? `not delivered, but kept as ${saved.ref}: ${namesOf(saved.names)}` : "";
  }

  async #keep(
    claim: string,
    signal: AbortSignal,
    find: (git: RunGit, earlier: string) => Promise<{ commit: string; names: string[] } | null>,
  ): Promise<{ ref: string; names: string[] } | null> {
    const git = this.#git(signal);
    const [ref, earlier] = [`refs/ships/${this.#ship.config.ship}/left-${claim}`, `refs/remotes/ships/left-${claim}`];
    try {
      const saved = await find(git, earlier);
      if (!saved) return null;
      const { commit, names } = saved;
      await git(["update-ref", `refs/left/${claim}`, commit]);
      await this.#push(commit, ref, signal);
      await git(["update-ref", earlier, commit]);
      const more = names.length > 0 ? `, with ${namesOf(names)}` : "";
      this.#journal.note("left", `what was not delivered is kept as ${ref}${more}`, { ref, commit, names });
      return { ref, names };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HelmAway) throw error;
      this.#journal.note("left-lost", `what lies in the tree was not saved as ${ref}: ${(error as Error).message}`, { ref });
      return null;
    }
  }

  /** Fetches the voyage's branch. Throws HelmAway. @param anew a clone with which it fails twice, with the helm there, is made anew */
  async fetch(branch: string, signal: AbortSignal, anew = false): Promise<void> {
    let distrusted = false;
    const { repo } = this.#ship;
    ensureFolder(this.folder);
    await this.#transfer(signal, async (failures) => {
      if (anew && failures === DISTRUST_AT && !distrusted) {
        distrusted = true;
        await this.#forget();
      }
      await ensureRepo(this.#git(signal), repo);
      await this.#fetchInto(branch, signal);
    });
  }

  /**
   * Commits the tree as it lies, as **one** commit on `parents`, whatever a hand committed or branched meanwhile; also when nothing changed.
   * Throws when HEAD was moved to where `parents` are not (moved.ts), and when something lies in the tree that would be neither in the commit nor
   * ignored: all findings, for the hand. TreeUnready when git itself fails.
   */
  async commit(parents: string[], message: string, signal: AbortSignal): Promise<Committed> {
    const git = this.#git(signal);
    const { repo } = this.#ship;
    await this.#stand(git, parents[0]!, signal);
    const agent = readAgentsGit(this.folder);
    // Without a .git nothing but files can have been changed.
    const moved =
      agent &&
      (await whyMoved(git, agent, parents).catch((error) => {
        signal.throwIfAborted();
        throw new TreeUnready(error);
      }));
    signal.throwIfAborted();
    if (moved) {
      lendObjects(this.folder, repo);
      throw new Error(moved);
    }
    let staged = await this.#stage(git, parents);
    for (let look = 1; look < LOOKS && staged.wrong.length > 0; look++) staged = await this.#stage(git, parents);
    signal.throwIfAborted();
    if (staged.wrong.length > 0) throw new Error(staged.wrong.join("\n"));
    const tree = await git(["write-tree"]);
    const commit = await git(["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-F", "-"], {
      input: message,
    });
    await git(["update-ref", "--no-deref", "HEAD", commit]);
    const before = new Set(this.#ignoredBefore());
    return { commit, ignored: staged.ignored.filter((path) => !before.has(path)).map(shown) };
  }

  /** A claim that another crew began, before there was a repository of its own, or after somebody has taken it away. */
  async #stand(git: RunGit, base: string, signal: AbortSignal): Promise<void> {
    const { repo, config } = this.#ship;
    if (!existsSync(join(repo, "HEAD"))) await this.fetch(config.stack, signal);
    await ensureRepo(git, repo);
    ensureFolder(this.folder);
    if (await git(["rev-parse", "--verify", "--quiet", "HEAD"]).catch(unlessUnanswered)) return;
    await git(["update-ref", "--no-deref", "HEAD", base]);
    await git(["read-tree", base]);
  }

  /** Brings all that lies in the tree into the index. `wrong`: why that is not all, for the hand. */
  async #stage(git: RunGit, parents: readonly string[]): Promise<{ wrong: string[]; ignored: string[] }> {
    const said = await git(["add", "--all", "--ignore-errors"]).then(
      () => "",
      (error: Error) => {
        if (OWN_FAULT.test(error.message)) throw new TreeUnready(error);
        return error.message;
      },
    );
    await this.#addForced(git);
    const wrong: string[] = [];
    const nested = await nestedRepos(git, this.folder, parents);
    if (nested.length > 0) wrong.push(aboutNested(nested));
    const { links } = await indexed(git);
    const others = links.filter(({ path }) => !nested.includes(textOf(path)));
    const ask = { folder: this.folder, repo: this.#ship.repo, scratch: this.#ship.scratch };
    if (others.length > 0) wrong.push(...(await checkSubmodules(git, ask, others, await linksOf(git, parents))));
    wrong.push(...(await checkFilters(git, parents.at(-1)!)));
    const { paths } = await indexed(git);
    const { strays, ignored } = await this.#look(git, [...paths, ...nested.map(bytesOf)]);
    if (strays.unreadable.length > 0) wrong.push(aboutUnreadable(strays.unreadable));
    if (strays.files.length > 0 || (said && nested.length === 0)) wrong.push(aboutFiles(strays.files, said));
    return { wrong, ignored: [...ignored, ...strays.special] };
  }

  /** Compares what lies in the tree with `known`. */
  async #look(git: RunGit, known: readonly string[]): Promise<{ strays: Strays; ignored: ReadonlySet<string> }> {
    const others = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
    const ignored = new Set(lines(await git(others, BYTES)));
    return { strays: findStrays(bytesOf(this.folder), new Set(known), ignored), ignored };
  }

  /** What git ignores and the agent has added all the same. */
  async #addForced(git: RunGit): Promise<void> {
    const index = join(this.folder, ".git", "index");
    if (!existsSync(index)) return;
    const asked = ["ls-files", "-z", "--cached", "--ignored", "--exclude-standard"];
    const forced = lines(await git(asked, { ...BYTES, index }).catch(unlessUnanswered));
    if (forced.length === 0) return;
    const there = forced.filter((path) => isFile(`${bytesOf(this.folder)}/${path}`));
    await git(["update-index", "--add", "-z", "--stdin"], { ...BYTES, input: there.map((path) => `${path}\0`).join("") });
  }

  /** Is there anything in the tree, ignored files apart, that `commit` has not? */
  async differsFrom(commit: string, signal: AbortSignal): Promise<boolean> {
    const git = this.#git(signal);
    await this.#stand(git, commit, signal);
    await git(["add", "--all"]);
    return (await git(["write-tree"])) !== (await git(["rev-parse", `${commit}^{tree}`]));
  }

  /** Merges `tip` into the tree (not committed). False, and the tree as it was, when texts conflict. */
  async merge(tip: string, signal: AbortSignal): Promise<boolean> {
    const git = this.#git(signal);
    try {
      await git(["merge", "--quiet", "--no-commit", "--no-ff", tip]);
    } catch {
      await git(["merge", "--abort"]);
      return false;
    }
    await this.#showMerge(git, tip);
    return true;
  }

  /**
   * Merges `tip` into the tree as far as it goes and leaves what conflicts to the hand, with git's marks in the texts. Returns the files in
   * conflict; none when it went through. Throws what git says when it cannot begin, as with a file in the way.
   */
  async mergeForHand(tip: string, signal: AbortSignal): Promise<string[]> {
    const git = this.#git(signal);
    let files: string[] = [];
    try {
      await git(["merge", "--quiet", "--no-commit", "--no-ff", tip]);
    } catch (error) {
      signal.throwIfAborted();
      if (!existsSync(join(this.#ship.repo, "MERGE_HEAD"))) throw error;
      files = lines(await git(["diff", "--name-only", "--diff-filter=U", "-z"]));
    }
    await this.#showMerge(git, tip);
    return files;
  }

  /** In the agent's git the merge is under way; in ours it is but files, until they are committed. */
  async #showMerge(git: RunGit, tip: string): Promise<void> {
    const { repo, config } = this.#ship;
    for (const file of ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE"]) rmSync(join(repo, file), { force: true });
    await showMerge(this.folder, { repo, branch: config.ship, head: await git(["rev-parse", "HEAD"]) }, tip);
  }

  /** Those of `files` that still hold a conflict's marks. */
  async unresolved(files: readonly string[], signal: AbortSignal): Promise<string[]> {
    const there = files.filter((file) => existsSync(join(this.folder, file)));
    if (there.length === 0) return [];
    const named = there.map((file) => `:(literal)${file}`);
    const found = await this.#git(signal)(["grep", "--no-index", "-lzE", "^(<<<<<<<|>>>>>>>) ", "--", ...named]).catch(() => "");
    signal.throwIfAborted();
    return lines(found);
  }

  /** Pushes to `refs/ships/<ship>/<task>-<epoch>`. Throws HelmAway. */
  async push(commit: string, task: string, epoch: number, signal: AbortSignal): Promise<void> {
    await this.#push(commit, `refs/ships/${this.#ship.config.ship}/${task}-${epoch}`, signal);
    await this.#git(signal)(["update-ref", PUSHED, commit]);
  }

  /** "3 files changed, 10 insertions(+)", or "" for an empty commit. */
  async shortStat(from: string, to: string, signal: AbortSignal): Promise<string> {
    return (await this.#git(signal)(["diff", "--shortstat", from, to])).trim();
  }

  /** A new clone of its own at `folder`: from the helm, not from the workspace, whose object store agents can write. */
  async checkoutFresh(folder: string, branch: string, commit: string, signal: AbortSignal): Promise<void> {
    mkdirSync(folder, { recursive: true });
    const git = this.#git(signal);
    await git(["init", "--quiet"], { cwd: folder });
    await this.#transfer(signal, () => this.#fetchInto(branch, signal, { cwd: folder }));
    await git(["checkout", "--quiet", "--detach", commit], { cwd: folder });
    await this.#initialise((args, options) => git(args, { cwd: folder, ...options }), folder, signal);
  }

  /** Below `refs/ships/<ship>/`, the one place the helm lets us write. */
  #push(commit: string, ref: string, signal: AbortSignal): Promise<void> {
    return this.#transfer(signal, () => this.#git(signal)(["push", "--quiet", this.#url, `+${commit}:${ref}`]));
  }

  #transfer(signal: AbortSignal, job: (failures: number) => Promise<unknown>): Promise<void> {
    return transfer(job, { totalMs: this.#patienceMs, signal });
  }

  #fetchInto(branch: string, signal: AbortSignal, options: GitOptions = {}): Promise<string> {
    const spec = `+refs/heads/${branch}:refs/remotes/origin/${branch}`;
    return this.#git(signal)(["fetch", "--quiet", "--no-tags", this.#url, spec], options);
  }

  #git(signal: AbortSignal): RunGit {
    return (args, options) => this.#shipGit.run(args, signal, options);
  }

  /** Beside what they speak of, so that they are of the tree also when the supervisor was another. */
  get #claimFile(): string {
    return join(this.#ship.repo, "ocaptain-claim");
  }

  get #ignoredFile(): string {
    return join(this.#ship.repo, "ocaptain-ignored");
  }

  #ignoredBefore(): string[] {
    try {
      return JSON.parse(readFileSync(this.#ignoredFile, "utf8"));
    } catch {
      return [];
    }
  }

  #claimOfTree(): string {
    try {
      return /^\d+-\d+$/.exec(readFileSync(this.#claimFile, "utf8"))?.[0] ?? this.claim;
    } catch {
      return this.claim;
    }
  }
}

/** What has been pushed last for a claim. */
const PUSHED = "refs/remotes/ships/pushed";
const BYTES = { encoding: "latin1" } as const;
/** What git says when its own repository, or the disk, is at fault, and not what lies in the tree. */
const OWN_FAULT = /No space left|repository database|index file (corrupt|smaller|open)|new index file|\.lock'|corrupt|bad object/;

const lines = (text: string) => text.split("\0").filter(Boolean);

const aboutUnreadable = (paths: readonly string[]) =>
  `what lies in these folders cannot be read, and would not be delivered: ${namesOf(paths.map(shown))}. Make them readable (chmod u+rwx), remove them, or list them in .gitignore.`;
const aboutFiles = (paths: readonly string[], said: string) =>
  `${paths.length > 0 ? `git does not take in ${namesOf(paths.map(shown))}` : "git does not take in all that lies in the tree"}, so it would not be delivered${said && `: ${said}`}`;
