import { OcaptainError } from "../../lib/errors.ts";
import type { Session } from "../../lib/mutagen/session.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { holdAwake } from "../../lib/sprites/awake.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import type { Settings } from "../lifecycle.ts";
import { spritesOf } from "../provider-settings.ts";
import { type SyncInputs, sessionSpec } from "./inputs.ts";

/** A last flush may have to wait for a woken ship's sync to connect again. */
const FLUSH_MS = 90_000;

/**
 * Brings what a ship wrote home before its VM goes: wakes it, holds it awake, makes sure of the sync, flushes. A VM that is gone, or is another incarnation by
 * now, has nothing to bring. A ship that `ocaptain:abandonUnsynced` names is tried too, but may fail.
 * @throws OcaptainError NOT_HOME when it cannot be done and the ship is not named: then the VM is not deleted.
 */
export async function bringHome(settings: Settings, of: SyncInputs & { sessionName: string }): Promise<void> {
  const sprites = await spritesOf(settings, of);
  const live = await sprites.get(of.sprite);
  if (!live || live.id !== of.incarnation) return;
  try {
    await holdAwake(sprites, of.sprite, 2 * (FLUSH_MS / 1000));
    const mutagen = voyageMutagen(of);
    await mutagen.ensureSession(sessionSpec(of)); // also one that was terminated behind our back
    const flushed = await mutagen.flush(of.sessionName, { timeoutMs: FLUSH_MS });
    if (of.session === "workspace") await assertHome(sprites, of.sprite, flushed);
  } catch (cause) {
    if (abandoned(settings).includes(of.ship)) return;
    throw new OcaptainError(
      "NOT_HOME",
      `the ${of.session} of ${of.ship} could not be brought home, so its VM ${of.sprite} stays`,
      {
        // A destroy sees the configuration of the last up, unless it runs the program (docs/adr/pulumi-config-reaches-providers-late.md).
        hint: `pulumi up, then destroy again; or give that work up: pulumi config set ocaptain:abandonUnsynced ${of.ship} -s ${of.stack} && pulumi destroy --run-program -s ${of.stack}`,
        cause,
      },
    );
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
  const status = await sprites.exec(sprite, [
    "sh",
    "-c",
    'cd "$HOME/voyage/workspace" && git status --porcelain -z --untracked-files=all',
  ]);
  if (status.exitCode !== 0) throw new Error(flushed.text);
  const work = new Set(status.stdout.split("\0").map((entry) => entry.slice(3)));
  const lost = flushed.problemPaths.filter((path) => work.has(path));
  if (lost.length > 0) throw new Error(`${lost.join(", ")}: ${flushed.text}`);
}

/** `ocaptain:abandonUnsynced`: ship names, by comma or as a JSON list. */
const abandoned = (settings: Settings) => (settings.abandonUnsynced ?? "").split(/[^a-z0-9-]+/).filter(Boolean);
