import { resolve } from "node:path";
import { execa } from "execa";
import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import { gitEnv, gitLine } from "../../lib/git/run.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

const CLONE_MS = 30 * 60_000;

/**
 * `ocaptain clone [voyage] [-d dest]` clones the voyage's branch, with its history. Its origin is the captain's bare
 * repository, so `git pull` brings what is accepted later. It is cloned by our own git settings: nothing that the
 * repository brings is run.
 */
export async function clone(name: string | undefined, options: { dest?: string }, io: Io): Promise<void> {
  const { file, folder } = await chooseVoyage(name);
  const dest = resolve(options.dest ?? file.stack);
  io.note(`cloning branch ${file.stack} to ${dest}`);
  // --no-local uses git's own transport, so that no object is shared by a hard link with the repository that ships push
  // to.
  const result = await execa(
    "git",
    ["clone", "--no-local", "--branch", file.stack, "--single-branch", "--", folder.repo, dest],
    // A git that is told to end takes away what it has made.
    { env: gitEnv(), extendEnv: false, stdin: "ignore", reject: false, timeout: CLONE_MS, cancelSignal: io.signal },
  );
  io.signal.throwIfAborted();
  if (result.failed)
    throw new OcaptainError(
      "CLONE",
      `the branch could not be cloned: ${result.stderr.trim().split("\n").at(-1) || result.shortMessage}`,
      {
        hint: `ocaptain clone ${file.stack} -d ${dest}-2`,
      },
    );
  const tip = await gitLine(["rev-parse", "HEAD"], { cwd: dest });
  io.out(io.json ? plainJson({ voyage: file.stack, branch: file.stack, folder: dest, tip }, 2) : dest);
}
