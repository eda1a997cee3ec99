import { newSession, shipProgram, shipScript } from "./shell.ts";

/**
 * How a crew is started on a ship: one shell line, run by a provider exec. Used at launch (TmuxLaunch) and by the
 * helm's wake-up, so that both start the same thing, and starting twice starts one.
 */

/** tmux session in which the supervisor runs. */
export const CREW_SESSION = "crew";
/** tmux session in which the hand `claude` is seen (crew/window/window.ts opens it). */
export const HAND_SESSION = "claude";
/** Folder of the crew on a ship, relative to the ship's home. */
export const CREW_FOLDER = "voyage/crew";

const START = newSession(CREW_SESSION, `exec node "$HOME/${CREW_FOLDER}/supervisor.js" 2>>"$HOME/voyage/logs/supervisor.err"`);

/**
 * argv that starts the crew unless it runs; exit status 0 either way. A tmux server that is just ending with its last
 * session takes no new one: then again.
 */
export const launchCrew: readonly string[] = shipScript(
  `mkdir -p "$HOME/voyage/logs"
for i in 1 2 3 4 5; do tmux has-session -t =${CREW_SESSION} 2>/dev/null && exit 0; ${START} && exit 0; sleep 0.2; done; exit 1`,
);
/** argv with exit status 0 while the crew runs. */
export const crewRuns: readonly string[] = shipProgram("tmux", "has-session", "-t", `=${CREW_SESSION}`);
/**
 * A line of shell for a ship whose crew is gone: its own tree is in its place again, should the crew have died while
 * verify.sh was run there, and the link of its sync leads to it (crew/verify/verified-tree.ts).
 */
export const PUT_BACK = `v="$HOME/voyage"; point() { ln -sfn "$1" "$v/.synced.put" && mv -T "$v/.synced.put" "$v/synced"; }
if [ -d "$v/aside/workspace" ]; then point synced; mkdir -p "$v/scratch"; if [ -e "$v/workspace" ] || [ -L "$v/workspace" ]; then [ -L "$v/workspace" ] || chmod u+rwx "$v/workspace"; mv -T "$v/workspace" "$v/scratch/put-back-$$"; fi; mv -T "$v/aside/workspace" "$v/workspace"; fi
[ "$(readlink "$v/synced")" = . ] || point .`;
/** How long a crew may take to end its hand and hand its claim back. */
const STOP_SECONDS = 20;
const STOP = [
  `pid=$(tmux list-panes -s -t =${CREW_SESSION} -F "#{pane_pid}" 2>/dev/null) || exit 0`,
  `tmux kill-session -t =${CREW_SESSION} 2>/dev/null`,
  `for i in $(seq ${STOP_SECONDS * 10}); do kill -0 $pid 2>/dev/null || exit 0; sleep 0.1; done`,
].join("; ");

/**
 * argv that ends the crew and returns when it is gone, at most 20 s later: until then no other can start. Exit status 0
 * also when it was not running.
 */
export const stopCrew: readonly string[] = shipScript(STOP);
