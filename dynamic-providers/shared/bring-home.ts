import { existsSync } from "node:fs";
import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { Session } from "../../lib/mutagen/session.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { CREW_SESSION, PUT_BACK } from "../../lib/ship/crew-launch.ts";
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

/** A last flush may have to wait for a woken ship's sync to connect again. */
const FLUSH_MS = 90_000;
/** A line a file that git sees as changed or new. */
const STATUS_BYTES = 32 * 1024 * 1024;

/**
 * Brings what a ship wrote home before its VM goes: wakes it, holds it awake, ends what crew is on it, makes sure of the sync, flushes. A VM that is gone, or
 * is another incarnation by now, has nothing to bring. A ship that `ocaptain:abandonUnsynced` names is tried too, but may fail.
 * @throws OcaptainError NOT_HOME when it cannot be done and the ship is not named: then the VM is not deleted.
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
 * Nothing goes with a VM: whatever the state says of crew and syncs, the ship itself is looked at, and what is not home is brought home.
 * @throws OcaptainError NOT_HOME as {@link bringHome}; also when the ship cannot be looked at.
 */
export async function leaveNothingAboard(settings: Settings, sprites: SpritesClient, of: SyncedShip): Promise<void> {
  await orStay(settings, of, `${of.ship} may hold work that is not home`, async () => {
    await callOff(helmClient(), of);
    if (!(await hasWork(sprites, of.sprite))) return;
    if (of.control && !hasShipSsh(of)) throw new Error("the way to it through the tailnet is gone");
    for (const session of ["workspace", "logs"] as const) await bringHome(settings, { ...of, session });
  });
}

/** Does a ship have a crew, or files in its tree that a flush since has not carried home? An exec, which wakes it. */
export async function hasWork(sprites: SpritesClient, sprite: string): Promise<boolean> {
  const seen = await sprites.exec(sprite, shipScript(LOOK));
  if (seen.exitCode !== 0) throw new Error(`it cannot be looked at: ${seen.stderr.trim().slice(-300)}`);
  return seen.stdout.trim() !== "";
}

/** On the ship: its time is that of the beginning of the last flush that brought the whole tree home. What git has is not synced, and does not count. */
const HOME_MARK = '"$HOME/voyage/home"';
const LOOK = `tmux has-session -t =${CREW_SESSION} 2>/dev/null && echo crew
[ ! -e "$HOME/voyage/aside/workspace" ] || echo aside
[ -e "$HOME/voyage/workspace" ] || exit 0
cd "$HOME/voyage/workspace" 2>/dev/null || { echo unreadable; exit 0; }
if [ -e ${HOME_MARK} ]; then set -- -cnewer ${HOME_MARK}; fi
find . -mindepth 1 -name .git -prune -o "$@" -print -quit || echo unreadable`;

/**
 * Gives their owner back folders and files that a task has left unreadable, which no sync could carry. What another user owns stays as it is. A file's time of
 * change says what is home already, so what can be read is not touched.
 */
const OPEN = `find "$HOME/voyage/workspace" \\( -type d ! -perm -700 -exec chmod u+rwx {} \\; \\) -o \\( -type f ! -perm -400 -exec chmod u+r {} + \\) 2>/dev/null; :`;

async function flushHome(sprites: SpritesClient, of: SyncSession): Promise<void> {
  const mutagen = voyageMutagen(of);
  const spec = sessionSpec(of);
  const isTree = of.session === "workspace";
  // A folder here that is gone altogether has halted its sync for good. A new sync brings all that the ship has.
  if (!existsSync(isTree ? spec.alpha : spec.beta)) await mutagen.terminate(spec.name);
  if (isTree) {
    await inVoyage(sprites, of.sprite, `${PUT_BACK}\n${OPEN}\ntouch "$HOME/voyage/home-begun"`);
    await catchUp(mutagen, spec, of);
  }
  await mutagen.ensureSession(spec); // also one that was terminated behind our back
  const flushed = await mutagen.flush(spec.name, { timeoutMs: FLUSH_MS });
  if (!isTree) return;
  await assertHome(sprites, of.sprite, await settleConflicts(mutagen, flushed, of, FLUSH_MS));
  await inVoyage(sprites, of.sprite, `mv -f "$HOME/voyage/home-begun" ${HOME_MARK}`);
}

async function inVoyage(sprites: SpritesClient, sprite: string, script: string): Promise<void> {
  const { exitCode, stderr } = await sprites.exec(sprite, shipScript(script));
  if (exitCode !== 0) throw new Error(stderr.trim().slice(-300) || `exit status ${exitCode}`);
}

/** Runs `work`; its failure is that the VM stays, with the way out, unless the ship's work is given up by name. */
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
      // A destroy sees the configuration of the last up, unless it runs the program (docs/adr/pulumi-config-reaches-providers-late.md).
      hint: `pulumi up -s ${of.stack}, then destroy again; or give that work up: pulumi config set ocaptain:abandonUnsynced ${of.ship} -s ${of.stack} && pulumi destroy --run-program -s ${of.stack}`,
      cause,
    });
  }
}

/**
 * Some files no sync carries: absolute links (each Python venv has some), files over the limit. They keep a VM only when they are work, that
 * is, when git on the ship sees them as changed or new and not ignored.
 */
async function assertHome(sprites: SpritesClient, sprite: string, flushed: Session): Promise<void> {
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
  // Of what lies in a folder that it cannot read git says nothing, but that.
  const closed = [...status.stderr.matchAll(/could not open directory '(.*)\/'/g)].map(([, path]) => path);
  const lost = flushed.problemPaths.filter((path) => isWork(path) || closed.includes(path));
  if (lost.length > 0) throw new Error(`${lost.join(", ")}: ${flushed.text}`);
}
