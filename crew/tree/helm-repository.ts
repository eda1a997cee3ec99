import type { ThisShip } from "../machine/ship.ts";
import type { GitOptions, RunGit } from "./git.ts";
import { retryTransfer } from "./git-retry.ts";

/**
 * The voyage's repository at the helm, as a ship sees it: it reads the branch, and writes refs below
 * `refs/ships/<ship>/`.
 */
export class HelmRepository {
  readonly #url: string;
  readonly #patienceMs: number;

  /** @param patienceMs how long a fetch or a push is tried while the helm does not answer */
  constructor({ config }: ThisShip, patienceMs: number) {
    this.#url = `${config.helmUrl}/git/${config.voyageId}`;
    this.#patienceMs = patienceMs;
  }

  /**
   * Runs `job`, a fetch or a push, until it succeeds; `job` is told how often it failed by its own fault. Throws
   * HelmAway, git's error, the signal's reason.
   */
  transfer(signal: AbortSignal, job: (failures: number) => Promise<unknown>): Promise<void> {
    return retryTransfer(job, { totalMs: this.#patienceMs, signal });
  }

  /** Pushes `commit` to `ref`, which is moved wherever it was. Throws HelmAway, git's error, the signal's reason. */
  push(git: RunGit, commit: string, ref: string, signal: AbortSignal): Promise<void> {
    return this.transfer(signal, () => git(["push", "--quiet", this.#url, `+${commit}:${ref}`]));
  }

  /** Fetches one ref, under its own name. Throws HelmAway, git's error, the signal's reason. */
  fetchRef(git: RunGit, ref: string, signal: AbortSignal): Promise<void> {
    return this.transfer(signal, () => git(["fetch", "--quiet", "--no-tags", this.#url, `+${ref}:${ref}`]));
  }

  /** Fetches `branch` once, as `refs/remotes/origin/<branch>`. To be called within {@link transfer}. */
  async fetchOnce(git: RunGit, branch: string, options: GitOptions = {}): Promise<void> {
    await git(["fetch", "--quiet", "--no-tags", this.#url, `+refs/heads/${branch}:refs/remotes/origin/${branch}`], options);
  }
}
