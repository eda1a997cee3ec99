/**
 * Brings Pulumi's state and passphrase from a checkout's `.tools/`, where they once were, to the captain's home. The
 * checkout goes on with its own when that already has others, for the two cannot be one: the secrets in state are bound
 * to their passphrase.
 */
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { captainHome, checkoutFolder, movingFolder, root } from "../places.mjs";

const earlierState = join(checkoutFolder, "state");
const earlierPassphrase = join(checkoutFolder, "passphrase");

export const hasStateToMove = () => existsSync(earlierState) || existsSync(movingFolder);

/**
 * Moves both, and says in a line what came of it. At every moment they are whole at one place, where
 * tools/places.mjs finds them: a folder with both is put into its place by a rename.
 */
export function moveState(say) {
  const home = join(captainHome(), "pulumi");
  if (filesIn(join(earlierState, ".pulumi", "locks")))
    return say(`  Pulumi's state stays in .tools/ until the next set-up: an update of a stack is at work, or was killed`);
  if (existsSync(home) && readdirSync(home).length > 0) {
    if (isUnused()) return removeUnused();
    return say(`  Pulumi's state and passphrase stay in .tools/, for ${home} has others; this checkout goes on with its own`);
  }
  if (existsSync(earlierState)) {
    mkdirSync(movingFolder, { recursive: true, mode: 0o700 });
    if (existsSync(earlierPassphrase)) {
      copyFileSync(earlierPassphrase, join(movingFolder, "passphrase"));
      chmodSync(join(movingFolder, "passphrase"), 0o600);
    }
    renameSync(earlierState, join(movingFolder, "state"));
  }
  mkdirSync(captainHome(), { recursive: true, mode: 0o700 });
  try {
    renameSync(movingFolder, home);
  } catch (error) {
    if (error.code !== "EXDEV") throw error;
    const copy = mkdtempSync(join(captainHome(), "tmp-pulumi-"));
    cpSync(movingFolder, copy, { recursive: true, preserveTimestamps: true });
    renameSync(copy, home);
    rmSync(movingFolder, { recursive: true });
  }
  rmSync(earlierPassphrase, { force: true });
  say(`  moved from .tools/ to ${home}: Pulumi's state and passphrase`);
}

/** Whether no stack was ever made with what is in `.tools/`: no state, and no stack file that its passphrase opens. */
function isUnused() {
  const stacks = join(root, "stacks");
  const own = existsSync(stacks) ? readdirSync(stacks).filter((name) => /^Pulumi\..*\.yaml$/.test(name)) : [];
  return !existsSync(movingFolder) && readdirSync(earlierState).length === 0 && own.length === 0;
}

function removeUnused() {
  rmSync(earlierState, { recursive: true });
  rmSync(earlierPassphrase, { force: true });
}

/** Whether there is any file in a folder, at any depth. */
function filesIn(folder) {
  return existsSync(folder) && readdirSync(folder, { recursive: true, withFileTypes: true }).some((entry) => entry.isFile());
}
