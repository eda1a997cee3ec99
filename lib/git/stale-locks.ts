import { type Dirent, readFileSync, readlinkSync } from "node:fs";
import { lstat, readdir, realpath, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * The difference that is allowed between the clock of files and that of processes.
 *
 * git makes `<file>.lock` before it changes a file, and removes it afterwards. A git that was killed in between leaves
 * its lock, and then that file can never be changed again: a branch with such a lock takes no commit. git itself never
 * removes another process's lock.
 *
 * A lock is stale when no git that is at work in the repository can have made it, because each began after the lock was
 * there. Where processes cannot be looked at (no /proc), a lock is stale when it is older than any command of this
 * project may take.
 */
const CLOCKS_MS = 2_000;
const OLDER_THAN_ANY_MS = 15 * 60_000;
const TICKS_A_SECOND = 100;
/** git's daemons, which run for days and make no lock. */
const DAEMONS = /\0(fsmonitor--daemon|credential-cache--daemon)(\0|$)/;

/** The paths of the stale locks that were removed, and of the other locks, which are `held`. */
export type Locks = { removed: string[]; held: string[] };

/**
 * Removes stale locks of a repository: those of its own files, and those of all its refs or only of its branches.
 * @param gitDir  a bare repository, or a `.git` folder
 */
export async function removeStaleLocks(gitDir: string, { refs = "all" }: { refs?: "all" | "heads" } = {}): Promise<Locks> {
  const found = [
    ...(await locksIn(gitDir)),
    ...(await locksIn(join(gitDir, "objects"))),
    ...(await locksIn(join(gitDir, "objects", "info"))),
    ...(await locksIn(join(gitDir, "refs", ...(refs === "heads" ? ["heads"] : [])), true)),
  ];
  const locks: Locks = { removed: [], held: [] };
  if (found.length === 0) return locks;
  const seen = await Promise.all(found.map(async (file) => ({ file, stat: await lstat(file).catch(() => null) })));
  const began = await gitsBegan(gitDir);
  for (const { file, stat } of seen) {
    if (!stat) continue; // Its git has removed it meanwhile.
    const isStale =
      began === null ? Date.now() - stat.mtimeMs > OLDER_THAN_ANY_MS : began.every((ms) => stat.mtimeMs < ms - CLOCKS_MS);
    const now = isStale && (await lstat(file).catch(() => null));
    if (now && now.ino === stat.ino && now.mtimeMs === stat.mtimeMs) {
      await rm(file, { force: true });
      locks.removed.push(file);
    } else if (!isStale) locks.held.push(file);
  }
  return locks;
}

async function locksIn(folder: string, deep = false): Promise<string[]> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true, recursive: deep }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".lock"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/**
 * Tells when each git that is at work in the repository began, in milliseconds since the epoch; null where processes
 * cannot be looked at.
 */
async function gitsBegan(gitDir: string): Promise<number[] | null> {
  const bootMs = Number(/^btime (\d+)$/m.exec(readOr("", "/proc/stat"))?.[1]) * 1000;
  if (!bootMs) return null;
  // The folder around it is looked for, because a git in a checkout does not name its .git, and may name a bare
  // repository by a relative path.
  const around = dirname(gitDir);
  const places = [around, await realpath(around).catch(() => around)];
  return (await readdir("/proc")).flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const command = readOr("", `/proc/${pid}/cmdline`);
    if (!/^git/.test(basename(command.split("\0", 1)[0] ?? "")) || DAEMONS.test(command)) return [];
    // Another user's process shows only its command, so it may be at work anywhere.
    const about = [command, readOr(gitDir, `/proc/${pid}/environ`), linkOr(gitDir, `/proc/${pid}/cwd`)].join("\0");
    if (!places.some((place) => about.includes(place))) return [];
    const ticks = Number(
      readOr("", `/proc/${pid}/stat`)
        .replace(/^.*\) /s, "")
        .split(" ")[19],
    );
    return Number.isFinite(ticks) ? [bootMs + (ticks * 1000) / TICKS_A_SECOND] : [];
  });
}

function readOr(otherwise: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return otherwise;
  }
}

function linkOr(otherwise: string, file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return otherwise;
  }
}
