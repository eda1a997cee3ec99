/**
 * How a crew is started on a ship: one shell line, run by a provider exec. Used at launch (TmuxLaunch) and by the helm's wake-up,
 * so that both start the same thing, and starting twice starts one.
 */

/** tmux session in which the supervisor runs. */
export const CREW_SESSION = "crew";
/** Folder of the crew on a ship, relative to the ship's home. */
export const CREW_FOLDER = "voyage/crew";

const START = `tmux new-session -d -s ${CREW_SESSION} -x 200 -y 50 'exec node "$HOME/${CREW_FOLDER}/supervisor.js" 2>>"$HOME/voyage/logs/supervisor.err"'`;

/** argv that starts the crew unless it runs; exit status 0 either way. */
export const launchCrew: readonly string[] = [
  "sh",
  "-c",
  `mkdir -p "$HOME/voyage/logs"; tmux has-session -t =${CREW_SESSION} 2>/dev/null || ${START}`,
];
/** argv that ends the crew; exit status 0 also when it was not running. */
export const stopCrew: readonly string[] = ["sh", "-c", `tmux kill-session -t =${CREW_SESSION} 2>/dev/null || true`];
