import { existsSync } from "node:fs";
import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { MutagenSession } from "../../lib/mutagen/session.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { PUT_BACK } from "../../lib/ship/crew-launch.ts";
import { HOME_MARK, hasWork } from "../../lib/ship/has-work.ts";
import { shipScript } from "../../lib/ship/shell.ts";
import { holdAwake } from "../../lib/sprites/keep-awake.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { hasShipSsh } from "../../lib/tailnet/node/ssh.ts";
import type { Settings } from "../lifecycle.ts";
import { isAbandoned } from "./abandoned.ts";
import { catchUp } from "./catch-up.ts";
import { spritesOf } from "./provider-settings.ts";
import { settleConflicts } from "./settle.ts";
import type { SyncedShip } from "./ship-identity.ts";
import { callOff, standDown } from "./stand-down.ts";
import { type SyncSession, sessionSpec } from "./sync-spec.ts";

/** The bound of the last flush, which may have to wait until the sync of a ship that was woken connects again. */
const FLUSH_MS = 90_000;
/** The most that is read of `git status`, which prints a line for each file that is changed or new. */
const STATUS_BYTES = 32 * 1024 * 1024;

/**
 * Brings home what a ship wrote, before its VM is deleted: wakes the ship, keeps it awake, ends its crew, makes sure of
 * the sync, and flushes it. A VM that is gone, or is another incarnation by now, has nothing to bring. It is tried for
 * a ship that `ocaptain:abandonUnsynced` names too, but may fail there.
 * @throws OcaptainError NOT_HOME when it fails for another ship, whose VM then stays
 */
export async function bringHome(settings: Settings, of: SyncSession): Promise<void> {
  const sprites = await spritesOf(settings, of);
  const live = await sprites.get(of.sprite);
  if (!live || live.id !== of.incarnation) return;
  await orStay(settings, of, `the ${of.session} of ${of.ship} could not be brought home`, async () => {
    await holdAwake(sprites, of.sprite, 2 * (FLUSH_MS / 1000));
    await standDown(helmClient(), sprites, of);
    await flushHome(sprites, of);
  });
}

/**
 * Looks at the ship itself before its VM is deleted, whatever the state says of crew and syncs, and brings home what is
 * not home.
 * @throws OcaptainError NOT_HOME as {@link bringHome}, and when the ship cannot be looked at
 */
export async function leaveNothingAboard(settings: Settings, sprites: SpritesClient, of: SyncedShip): Promise<void> {
  await orStay(settings, of, `${of.ship} may hold work that is not home`, async () => {
    await callOff(helmClient(), of);
    if (!(await hasWork(sprites, of.sprite))) return;
    if (of.control && !hasShipSsh(of)) throw new Error("the way to it through the tailnet is gone");
    for (const session of ["workspace", "logs"] as const) await bringHome(settings, { ...of, session });
  });
}

/**
 * Makes folders and files readable again that a task has left unreadable to their owner, because no sync could carry
 * them. What another user owns stays as it is. Files that can be read are not touched, since their time of change says
 * whether they are home.
 */
const OPEN = `find "$HOME/voyage/workspace" \\( -type d ! -perm -700 -exec chmod u+rwx {} \\; \\) -o \\( -type f ! -perm -400 -exec chmod u+r {} + \\) 2>/dev/null; :`;

/**
 * Flushes one sync of a ship; for the tree, makes sure that all that counts as work has come home, and marks the time
 * on the ship.
 */
async function flushHome(sprites: SpritesClient, of: SyncSession): Promise<void> {
  const mutagen = voyageMutagen(of);
  const spec = sessionSpec(of);
  const isTree = of.session === "workspace";
  // A sync whose folder here is gone has halted for good. A new sync brings all that the ship has.
  if (!existsSync(isTree ? spec.alpha : spec.beta)) await mutagen.terminate(spec.name);
  if (isTree) {
    await inVoyage(sprites, of.sprite, `${PUT_BACK}\n${OPEN}\ntouch "$HOME/voyage/home-begun"`);
    await catchUp(mutagen, spec, of);
  }
  await mutagen.ensureSession(spec); // it may have been terminated by somebody else
  const flushed = await mutagen.flush(spec.name, { timeoutMs: FLUSH_MS });
  if (!isTree) return;
  await assertHome(sprites, of.sprite, await settleConflicts(mutagen, flushed, of, FLUSH_MS));
  await inVoyage(sprites, of.sprite, `mv -f "$HOME/voyage/home-begun" ${HOME_MARK}`);
}

async function inVoyage(sprites: SpritesClient, sprite: string, script: string): Promise<void> {
  const { exitCode, stderr } = await sprites.exec(sprite, shipScript(script));
  if (exitCode !== 0) throw new Error(stderr.trim().slice(-300) || `exit status ${exitCode}`);
}

/**
 * Runs `work`. When that fails, throws an error by which the VM stays, with the ways out, unless the captain has given
 * up the ship's work.
 */
async function orStay(settings: Settings, of: SyncedShip, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (isAbandoned(settings, of.ship))
      return console.error(
        `${what}, and is given up, as ocaptain:abandonUnsynced names ${of.ship}: ${explain(cause)}\n  so that it counts for no later voyage: pulumi config rm ocaptain:abandonUnsynced -s ${of.stack}`,
      );
    if (cause instanceof OcaptainError && cause.code === "NOT_HOME") throw cause;
    throw new OcaptainError("NOT_HOME", `${what}, so its VM ${of.sprite} stays`, {
      // A destroy sees the configuration of the last up, unless it runs the program
      // (docs/adr/pulumi-config-reaches-providers-late.md).
      hint: `pulumi up -s ${of.stack}, then destroy again; or give that work up: pulumi config set ocaptain:abandonUnsynced ${of.ship} -s ${of.stack} && pulumi destroy --run-program -s ${of.stack}`,
      cause,
    });
  }
}

/**
 * Makes sure that a flush has brought home all that counts as work. Some files no sync carries: absolute links, as in
 * each Python venv, and files over the limit. They keep a VM only when git on the ship sees them as changed, or as new
 * and not ignored.
 * @throws Error which names the files that are not home
 */
async function assertHome(sprites: SpritesClient, sprite: string, flushed: MutagenSession): Promise<void> {
  if (flushed.clean) return;
  const onlyProblems = flushed.conflicts.length === 0 && flushed.lastError === null && !flushed.halted && !flushed.problemsCut;
  if (!onlyProblems) throw new Error(flushed.text);
  const status = await sprites.exec(
    sprite,
    shipScript('cd "$HOME/voyage/workspace" && LC_ALL=C git status --porcelain -z --untracked-files=all'),
    { mostBytes: STATUS_BYTES },
  );
  if (status.exitCode !== 0) throw new Error(flushed.text);
  const work = status.stdout.split("\0").map((entry) => entry.slice(3));
  const isWork = (path: string) => work.some((name) => name === path || name.startsWith(`${path}/`));
  // Of a folder that git cannot read it says only that, and nothing of what is in it.
  const closed = [...status.stderr.matchAll(/could not open directory '(.*)\/'/g)].map(([, path]) => path);
  const lost = flushed.problemPaths.filter((path) => isWork(path) || closed.includes(path));
  if (lost.length > 0) throw new Error(`${lost.join(", ")}: ${flushed.text}`);
}
