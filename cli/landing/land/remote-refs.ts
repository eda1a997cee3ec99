import { OcaptainError } from "../../../lib/base/errors.ts";
import { said } from "../../../lib/base/text.ts";
import type { Place } from "./place.ts";

const LOOK_MS = 60_000;
const MOST_BYTES = 32 * 1024 * 1024;

/** The branches of a remote repository, and the one on which its HEAD is; null where it has none. */
export type RemoteRefs = { defaultBranch: string | null; branches: ReadonlyMap<string, string> };

/** Asks the remote for its branches. @throws OcaptainError REMOTE, with what git says */
export async function remoteRefs(place: Place, gitDir: string, signal: AbortSignal): Promise<RemoteRefs> {
  const run = await place
    .git(["ls-remote", "--symref", "--", place.address, "HEAD", "refs/heads/*"], {
      // Not the repository of the folder in which this was typed: its configuration says nothing of this.
      gitDir,
      timeoutMs: LOOK_MS,
      mostBytes: MOST_BYTES,
      signal,
    })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw unreached(place, error);
    });
  const branches = new Map<string, string>();
  let head: string | null = null;
  for (const line of run.stdout.split("\n")) {
    const [, symbolic] = /^ref: refs\/heads\/(\S+)\tHEAD$/.exec(line) ?? [];
    head ??= symbolic ?? null;
    const [, commit, branch] = /^([0-9a-f]{40})\trefs\/heads\/(\S+)$/.exec(line) ?? [];
    if (commit && branch) branches.set(branch, commit);
  }
  return { defaultBranch: head !== null && branches.has(head) ? head : null, branches };
}

/** Why a remote could not be reached, in git's own words. */
export function unreached({ address }: Place, cause: unknown): OcaptainError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new OcaptainError("REMOTE", `${address} could not be reached by your git: ${said(words, 1_000)}`, {
    hint: `git ls-remote ${address}  # shows whether your own git gets in`,
  });
}
