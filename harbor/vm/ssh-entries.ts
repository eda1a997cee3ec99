import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shellWord } from "../../lib/base/shell-word.ts";
import { childrenOf, signalQuietly } from "./signals.ts";
import type { Vm } from "./vm.ts";

/**
 * The files by which the programs in `ssh-bin/` find a ship without asking the harbor. `awake/<name>` exists only while
 * the ship runs, and says how to enter it; each connection writes `ssh/<name>.<pid>`. A connection registers before it
 * looks for `awake/<name>`, and a freeze removes that before it cuts what is registered, so no connection slips
 * through.
 */

/** Forgets all entries and connections, which an earlier harbor has left. */
export function clearSshEntries(home: string): void {
  for (const folder of ["awake", "ssh"]) {
    rmSync(join(home, folder), { recursive: true, force: true });
    mkdirSync(join(home, folder), { recursive: true, mode: 0o700 });
  }
}

/** Lets ssh find a ship that runs. */
export function addSshEntry(home: string, name: string, vm: Vm): void {
  const text = `still_there() { ${vm.stillThere}; }
enter() { exec ${vm.enter().map(shellWord).join(" ")} "$@"; }
`;
  writeFileSync(join(home, "awake", name), text, { mode: 0o600 });
}

/** Hides a ship from ssh and ends its connections with what they run, as every pause of a VM cuts TCP. */
export function removeSshEntry(home: string, name: string, vm: Vm): void {
  rmSync(join(home, "awake", name), { force: true });
  for (const entry of readdirSync(join(home, "ssh"))) {
    if (!entry.startsWith(`${name}.`)) continue;
    const pid = Number(entry.slice(name.length + 1));
    if (isConnection(pid, vm)) {
      for (const child of childrenOf(pid)) signalQuietly(-child, "SIGKILL");
      signalQuietly(pid, "SIGKILL");
    }
    rmSync(join(home, "ssh", entry), { force: true });
  }
}

/**
 * Whether a process is a connection: the script in `ssh-bin/`, or what it became. Its number may belong to another
 * process by now.
 */
function isConnection(pid: number, vm: Vm): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return command.includes("/ssh-bin/") || vm.entered(pid, command);
  } catch {
    return false;
  }
}
