import { shipProgram, shipScript, startSession } from "./shell.ts";

/**
 * The crew is started on a ship by one shell line, which a provider exec runs. The launch (TmuxLaunch) and the helm's
 * wake-up both use it, so that both start the same thing, and starting twice starts one.
 */

/** The tmux session in which the supervisor runs. */
export const CREW_SESSION = "crew";
/** The tmux session in which the hand `claude` is seen (crew/window/window.ts opens it). */
export const HAND_SESSION = "claude";
/** The folder of the crew on a ship, relative to the ship's home. */
export const CREW_FOLDER = "voyage/crew";

const START = startSession(CREW_SESSION, `exec node "$HOME/${CREW_FOLDER}/supervisor.js" 2>>"$HOME/voyage/logs/supervisor.err"`);

/** The command that starts the crew unless it runs; its exit status is 0 either way. */
export const launchCrew: readonly string[] = shipScript(`mkdir -p "$HOME/voyage/logs"; ${START}`);
/** The command whose exit status is 0 while the crew runs. */
export const crewRuns: readonly string[] = shipProgram("tmux", "has-session", "-t", `=${CREW_SESSION}`);
/**
 * A line of shell for a ship whose crew is gone. It puts the ship's own tree back into its place, should the crew have
 * died while verify.sh was run there, and points the link of its sync to it (crew/verify/verified-tree.ts).
 */
export const PUT_BACK = `v="$HOME/voyage"; point() { ln -sfn "$1" "$v/.synced.put" && mv -T "$v/.synced.put" "$v/synced"; }
if [ -d "$v/aside/workspace" ]; then point synced; mkdir -p "$v/scratch"; if [ -e "$v/workspace" ] || [ -L "$v/workspace" ]; then [ -L "$v/workspace" ] || chmod u+rwx "$v/workspace"; mv -T "$v/workspace" "$v/scratch/put-back-$$"; fi; mv -T "$v/aside/workspace" "$v/workspace"; fi
[ "$(readlink "$v/synced")" = . ] || point .`;
/** The time in which a crew must have ended its hand and handed its claim back. */
const STOP_SECONDS = 20;
const STOP = [
  `pid=$(tmux list-panes -s -t =${CREW_SESSION} -F "#{pane_pid}" 2>/dev/null) || exit 0`,
  `tmux kill-session -t =${CREW_SESSION} 2>/dev/null`,
  `for i in $(seq ${STOP_SECONDS * 10}); do kill -0 $pid 2>/dev/null || exit 0; sleep 0.1; done`,
].join("; ");

/**
 * The command that ends the crew and returns when it is gone, after at most 20 s, because no other crew can start
 * before that. Its exit status is 0 also when the crew was not running.
 */
export const stopCrew: readonly string[] = shipScript(STOP);
