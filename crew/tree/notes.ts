import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What the crew remembers of its tree: for which claim it was made ready, and what git ignored then. It lies in the
 * crew's git directory, beside the tree that it is about, so that a supervisor which is started later knows it too.
 */
export class TreeNotes {
  readonly #claimFile: string;
  readonly #ignoredFile: string;
  /** `<task>-<epoch>` of the claim that the next reset makes the tree ready for. */
  next = "0-0";

  /** @param repo the crew's git directory */
  constructor(repo: string) {
    this.#claimFile = join(repo, "ocaptain-claim");
    this.#ignoredFile = join(repo, "ocaptain-ignored");
  }

  /** Notes that the tree is ready for the next claim, with the ignored paths that lay in it (byte strings). */
  write(ignored: Iterable<string>): void {
    writeFileSync(this.#ignoredFile, JSON.stringify([...ignored]));
    writeFileSync(this.#claimFile, this.next);
  }

  /** `<task>-<epoch>` of the claim that the tree was last made ready for. */
  get claim(): string {
    try {
      return /^\d+-\d+$/.exec(readFileSync(this.#claimFile, "utf8"))?.[0] ?? this.next;
    } catch {
      return this.next;
    }
  }

  /** The ignored paths (byte strings) that lay in the tree when it was made ready. */
  get ignored(): string[] {
    try {
      return JSON.parse(readFileSync(this.#ignoredFile, "utf8"));
    } catch {
      return [];
    }
  }

  /** Reads the note of the claim, to be written again by what this returns after the git directory was made anew. */
  carryClaim(): () => void {
    if (!existsSync(this.#claimFile)) return () => {};
    const text = readFileSync(this.#claimFile);
    return () => writeFileSync(this.#claimFile, text);
  }
}
