import { readdirSync, readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Environment variable that marks what a crew has started. */
export const MARK = "OCAPTAIN_CREW";

/**
 * Kills every process of ours that carries `mark`, or a mark below it (`<mark>/…`), in its environment, until none is found but those that `spare`
 * names.
 *
 * A process group is not enough: a hand may have started something in a session of its own (tmux does), and after a SIGKILL of the supervisor
 * its hand goes on writing. A stored pid is worse: pids are used again after a cold start (facts: sprites §10). The environment is inherited and stays.
 * Linux only, as ships are. Throws when some are left after 5 s.
 */
export async function endMarked(mark: string, spare: (pid: number) => boolean = () => false): Promise<number> {
  let ended = 0;
  for (const deadline = Date.now() + 5000; ; await sleep(20)) {
    const pids = marked(mark).filter((pid) => !spare(pid));
    if (pids.length === 0) return ended;
    if (Date.now() > deadline) throw new Error(`processes ${pids.join(", ")} of an earlier hand do not end`);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
        ended += 1;
      } catch {}
    }
  }
}

function marked(mark: string): number[] {
  const entry = `${MARK}=${mark}`;
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      if (statSync(`/proc/${name}`).uid !== process.getuid!()) return [];
      const entries = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      return entries.some((found) => found === entry || found.startsWith(`${entry}/`)) ? [pid] : [];
    } catch {
      return []; // it ended meanwhile
    }
  });
}
