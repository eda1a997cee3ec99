import type { SpritesClient } from "../sprites/types.ts";
import { CREW_SESSION } from "./crew-launch.ts";
import { shipScript } from "./shell.ts";

/**
 * A file on the ship whose time is the beginning of the last flush that brought the whole tree home. `.git` is not
 * synced, and does not count.
 */
export const HOME_MARK = '"$HOME/voyage/home"';

const LOOK = `tmux has-session -t =${CREW_SESSION} 2>/dev/null && echo crew
[ ! -e "$HOME/voyage/aside/workspace" ] || echo aside
[ -e "$HOME/voyage/workspace" ] || exit 0
cd "$HOME/voyage/workspace" 2>/dev/null || { echo unreadable; exit 0; }
if [ -e ${HOME_MARK} ]; then set -- -cnewer ${HOME_MARK}; fi
find . -mindepth 1 -name .git -prune -o "$@" -print -quit || echo unreadable`;

/**
 * Tells whether a ship has a crew, or files in its tree that have changed since the last flush. It asks by an exec,
 * which wakes the ship.
 */
export async function hasWork(sprites: SpritesClient, sprite: string): Promise<boolean> {
  const seen = await sprites.exec(sprite, shipScript(LOOK));
  if (seen.exitCode !== 0) throw new Error(`it cannot be looked at: ${seen.stderr.trim().slice(-300)}`);
  return seen.stdout.trim() !== "";
}
