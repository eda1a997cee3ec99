import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { childrenOf, signalQuietly } from "./signals.ts";
import { quote, type Vm } from "./vm.ts";

/**
 * The files by which `../ssh-bin/` finds a ship without asking the harbor (design 14):
 * `awake/<name>` is there only while the ship runs and says how to enter it; `ssh/<name>.<pid>` is written by each connection.
 * A connection registers before it looks for `awake/<name>`, a freeze takes that away before it cuts what is registered: none slips through.
 */
export function clearSshEntries(home: string): void {
  for (const folder of ["awake", "ssh"]) {
    rmSync(join(home, folder), { recursive: true, force: true });
    mkdirSync(join(home, folder), { recursive: true, mode: 0o700 });
  }
}

export function addSshEntry(home: string, name: string, vm: Vm): void {
  const text = `still_there() { ${vm.stillThere}; }
enter() { exec ${vm.enter().map(quote).join(" ")} "$@"; }
`;
  writeFileSync(join(home, "awake", name), text, { mode: 0o600 });
}

/** A pause cuts TCP (facts: sprites §10): the ship's connections end, with what they ran. */
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

/** The number may belong to another process by now: ours is the script, or what it became. */
function isConnection(pid: number, vm: Vm): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return command.includes("/ssh-bin/") || vm.entered(pid, command);
  } catch {
    return false;
  }
}
