import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { OcaptainError } from "../../lib/base/errors.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { continueShipProcesses, endShipProcesses, hasMark, MARK, stopShipProcesses } from "./processes.ts";
import { type EnterOptions, inHome, SETSID, type ShipPlace, type Vm } from "./vm.ts";

const shipRoot = fileURLToPath(new URL("../ship-root/", import.meta.url));

/**
 * Starts a ship for machines where bubblewrap cannot run: plain processes of the harbor's user, with a home, a
 * temporary folder and a tmux server of their own. Nothing is isolated. The ship has no process by itself: its
 * processes are those that were started in it, found by their mark.
 */
export function startUnconfined({ folder, limits }: ShipPlace): Vm {
  let over = () => {};
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const home = join(folder, "home");
  const inside = ({ dir, env, tty }: EnterOptions = {}) => {
    const variables = { ...environment(folder, home), ...(tty ? { TERM: "xterm-256color" } : {}), ...env, [MARK]: folder };
    const assignments = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
    return ["env", "-i", "-C", inHome(home, dir), ...assignments];
  };
  return {
    ended,
    helpers: join(shipRoot, "lib"),
    systemPath: `${dirname(process.execPath)}:${process.env.PATH ?? "/usr/bin:/bin"}`,
    enterFromHarbor: (options) => [...limits.enter, ...inside(options)],
    inside,
    enter: (options) => [...limits.enter, ...inside(options), SETSID, "--fork", "--wait"],
    commandOf: (outerPid) => ({ hostPid: outerPid, shipPid: String(outerPid) }),
    stillThere: `[ -d ${shellWord(folder)} ]`,
    entered: (pid, commandLine) => hasMark(pid, folder) || commandLine.includes(`\0${MARK}=${folder}\0`),
    async freeze() {
      try {
        await stopShipProcesses(folder);
      } catch (error) {
        continueShipProcesses(folder);
        throw error;
      }
    },
    thaw: async () => continueShipProcesses(folder),
    async end(killed) {
      await endShipProcesses(folder);
      killed();
      limits.leave();
      over();
    },
  };
}

function environment(folder: string, home: string): Record<string, string> {
  const tools = process.env.OCAPTAIN_HARBOR_TOOLS ? [process.env.OCAPTAIN_HARBOR_TOOLS] : [];
  const own = [join(home, ".local/bin"), join(shipRoot, "bin"), dirname(process.execPath), ...tools];
  const path = [...own, process.env.PATH ?? "/usr/bin:/bin"];
  return {
    HOME: home,
    USER: userName(),
    LOGNAME: userName(),
    SHELL: existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh",
    LANG: "C.UTF-8",
    PATH: path.join(":"),
    TMPDIR: join(folder, "tmp"),
    // The shortest folder there is, because a unix socket's path has at most 107 bytes.
    TMUX_TMPDIR: folder,
    OCAPTAIN_SPRITE_SOCKET: join(folder, "api.sock"),
  };
}

/** The user's name. A container may run as a number without one. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "sprite";
  }
}

/** Tries whether an unconfined ship's processes can be found here. @throws OcaptainError UNCONFINED when they cannot */
export function probeUnconfined(): void {
  if (existsSync("/proc/self/environ")) return;
  throw new OcaptainError("UNCONFINED", "ships need Linux with /proc, also when they are not confined", {
    hint: "use another machine, or ocaptain:provider sprites",
  });
}
