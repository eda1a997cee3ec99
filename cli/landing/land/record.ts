import { type LandingFile, writeLanding } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Forge } from "../../forge/forge.ts";
import type { Head } from "./heads.ts";
import type { Intention } from "./intend.ts";
import type { Push } from "./push.ts";

/**
 * The landing's record, which is on disk before the next step begins: what is about to be pushed before it is pushed,
 * so that a landing whose end nobody saw is known by the next one.
 */
export class Record {
  readonly #voyage: KnownVoyage;
  #file: LandingFile;

  constructor(voyage: KnownVoyage, { before, place, branch, base, how }: Intention, forge: Forge | null, isRemoteNamed: boolean) {
    this.#voyage = voyage;
    this.#file = {
      ...(before ?? { pushed: [], pulls: [], fixes: [] }),
      ...{ version: 1, voyageId: voyage.file.voyageId, forge: forge?.place ?? null, remote: place.address },
      ...(isRemoteNamed && { isRemoteNamed }),
      ...{ branch, base: base.branch, baseCommit: base.held, how },
    };
  }

  get fixes(): LandingFile["fixes"] {
    return this.#file.fixes;
  }

  /** Writes down what is about to be pushed. */
  async willPush(baseCommit: string, pushes: readonly Push[]): Promise<void> {
    const pushing = pushes.map(({ branch, head }) => ({ branch, head }));
    await this.#write({ ...this.#file, baseCommit, pushing: [...(this.#file.pushing ?? []), ...pushing] });
  }

  /** Writes down that all heads are at the remote. @param commit  the voyage's tip */
  async pushed(commit: string, heads: readonly Head[]): Promise<void> {
    const { pushing: _, ...file } = this.#file;
    const at = new Date().toISOString();
    const known = new Map(file.pushed.map((push) => [push.branch, push]));
    const isNew = ({ branch, head }: Head) => known.get(branch)?.head !== head || known.get(branch)?.commit !== commit;
    const pushed = heads.filter(isNew).map(({ branch, head }) => ({ commit, head, branch, at }));
    await this.#write({ ...file, pushed: [...file.pushed, ...pushed] });
  }

  /** Writes down a pull request, in place of what was known of it. */
  async pull(pull: LandingFile["pulls"][number]): Promise<void> {
    const others = this.#file.pulls.filter(({ number }) => number !== pull.number);
    const pulls = [...others, pull].sort((a, b) => (a.wave ?? 0) - (b.wave ?? 0) || a.number - b.number);
    await this.#write({ ...this.#file, pulls });
  }

  /** Writes down that a follow-up task was made, once for a signature. */
  async fix(fix: LandingFile["fixes"][number]): Promise<void> {
    if (this.#file.fixes.some(({ signature }) => signature === fix.signature)) return;
    await this.#write({ ...this.#file, fixes: [...this.#file.fixes, fix] });
  }

  async #write(file: LandingFile): Promise<void> {
    await writeLanding(this.#voyage.folder, file);
    this.#file = file;
  }
}
