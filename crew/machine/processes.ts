import { readdirSync, readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The environment variable that marks what a crew has started. */
export const MARK = "OCAPTAIN_CREW";

/**
 * Kills every process of this user whose environment carries `mark`, or a mark below it (`<mark>/…`), until none is
 * found but those that `spare` names. Returns how many it killed; throws when some are left after 5 s.
 *
 * A process group would not be enough: a hand may have started something in a session of its own (tmux does), and after
 * a SIGKILL of the supervisor its hand goes on writing. A stored pid would be worse, since pids are used again after a
 * cold start. The environment is inherited and stays. This works on Linux only, as ships do.
 */
export async function endMarked(mark: string, spare: (pid: number) => boolean = () => false): Promise<number> {
  let ended = 0;
  for (const deadline = Date.now() + 5000; ; await sleep(20)) {
    const pids = marked(mark).filter((pid) => !spare(pid));
    if (pids.length === 0) return ended;
    if (Date.now() > deadline)
      throw new Error(`processes ${pids.join(", ")} of an earlier hand do not end, though they were killed`);
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
      return []; // The process has ended meanwhile.
    }
  });
}
