import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { plain } from "./text.ts";

const LISTENS = "0A";

/**
 * Names who listens on a TCP port of this machine: `process 123 (otelcol)`, or "another program" where /proc does not say, as for another user's
 * process or on a system other than Linux.
 */
export function holderOf(port: number): string {
  const sockets = socketsOf(port);
  const pid = sockets.size === 0 ? undefined : processes().find((each) => holdsOne(each, sockets));
  if (pid === undefined) return "another program";
  const name = plain(read(`/proc/${pid}/comm`).trim(), { most: 40 });
  return `process ${pid}${name && ` (${name})`}`;
}

/** `socket:[inode]` of each that listens there, on whichever address. */
function socketsOf(port: number): Set<string> {
  const lines = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => read(file).split("\n").slice(1));
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const there = fields.filter(
    ([, local, , state]) => state === LISTENS && Number.parseInt(local?.split(":")[1] ?? "", 16) === port,
  );
  return new Set(there.map((line) => `socket:[${line[9]}]`));
}

const processes = () => list("/proc").filter((name) => /^\d+$/.test(name));

function holdsOne(pid: string, sockets: Set<string>): boolean {
  return list(`/proc/${pid}/fd`).some((fd) => {
    try {
      return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false; // closed meanwhile
    }
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
