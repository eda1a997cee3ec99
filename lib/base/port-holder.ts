import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { plain } from "./text.ts";

/** The state of a listening socket in /proc/net/tcp. */
const LISTENS = "0A";

/**
 * Names the program that listens on a TCP port of this machine: `process 123 (otelcol)`, or "another program" where
 * /proc does not say it, as for another user's process or on a system other than Linux.
 */
export function holderOf(port: number): string {
  const sockets = socketsOf(port);
  const pid = sockets.size === 0 ? undefined : processes().find((each) => holdsOne(each, sockets));
  if (pid === undefined) return "another program";
  const name = plain(read(`/proc/${pid}/comm`).trim(), { most: 40 });
  return `process ${pid}${name && ` (${name})`}`;
}

/** Lists the sockets that listen on a port, on whichever address, as links of /proc name them: `socket:[inode]`. */
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
      return false; // The file was closed meanwhile.
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
