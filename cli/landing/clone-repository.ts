import { execa } from "execa";
import { OcaptainError } from "../../lib/base/errors.ts";
import { gitEnv } from "../../lib/git/run.ts";
import type { Io } from "../output/io.ts";

const CLONE_MS = 30 * 60_000;

/**
 * Clones a branch of a voyage's repository, with its history. Its origin is the captain's bare repository, so `git
 * pull` brings what is accepted later. It is cloned by our own git settings: nothing that the repository brings is run.
 * @throws OcaptainError CLONE
 */
export async function cloneBranch(from: { repo: string; branch: string; dest: string; hint: string }, io: Io): Promise<void> {
  // --no-local uses git's own transport, so that no object is shared by a hard link with the repository that ships push
  // to.
  const args = ["clone", "--no-local", "--branch", from.branch, "--single-branch", "--", from.repo, from.dest];
  await run(args, from.hint, io);
}

/** Fetches refs into a clone. @throws OcaptainError CLONE */
export const fetchInto = (clone: string, refs: readonly string[], hint: string, io: Io): Promise<void> =>
  refs.length === 0 ? Promise.resolve() : run(["-C", clone, "fetch", "--quiet", "--no-tags", "origin", ...refs], hint, io);

async function run(args: readonly string[], hint: string, io: Io): Promise<void> {
  const result = await execa("git", [...args], {
    // A git that is told to end takes away what it has made.
    ...{ env: gitEnv(), extendEnv: false, stdin: "ignore", reject: false, timeout: CLONE_MS, cancelSignal: io.signal },
  });
  io.signal.throwIfAborted();
  if (result.failed)
    throw new OcaptainError(
      "CLONE",
      `the branch could not be cloned: ${result.stderr.trim().split("\n").at(-1) || result.shortMessage}`,
      { hint },
    );
}
