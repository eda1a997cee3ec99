import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";

/** The most that a ship may take of this machine. */
export type Most = { memoryMiB: number; processes: number };

/**
 * What keeps ships from starving the captain: their memory, number of processes and share of the processor. The kernel
 * holds all three by control groups (version 1 or 2), which take root. Without them a ship's processes are nicer than
 * the captain's, are the first to go when memory runs out, and their number is bound by a limit of the ship's user
 * namespace, which does not hold for root.
 */
export type ShipsLimits = {
  /** What holds here, for people. */
  told: string;
  of(id: string): ShipLimits;
  close(): void;
};

/** One ship's limits. */
export type ShipLimits = {
  /** An argv prefix for the ship's first process. */
  first: string[];
  /** An argv prefix for whatever else enters the ship from outside. */
  enter: string[];
  /** Forgets the ship, when it has no process any more. */
  leave(): void;
};

/** One control group hierarchy: where it is, and the files that hold limits there. */
type Hierarchy = { root: string; most(most: Most): Record<string, string>; all: Record<string, string> };

const NAME = "ocaptain";
const MIB = 1024 * 1024;
/** How much likelier than others a ship's process is killed when the whole machine has no memory left, of 1000. */
const OOM_SCORE = 500;
/** The weight of all ships together, against 1024 of each process of the captain's. */
const SHARES = 4096 * availableParallelism();
const isRoot = () => process.getuid?.() === 0;
const UNBOUND_NICE = ["nice", "-n", "5"];

/**
 * Half of this machine's memory, at most the 8 GiB of a sprite, and more processes than work needs. Where a ship starts
 * the kernel counts all processes of a user who is not root, so theirs must have room, too.
 */
export const defaultMost = (): Most => ({
  memoryMiB: Math.min(8192, Math.floor(totalmem() / 2 / MIB)),
  processes: isRoot() ? 4096 : 16_384,
});

/** Opens the limits of the ships of one harbor, and sweeps away what harbors left that were killed. */
export function openShipsLimits(home: string, most: Most): ShipsLimits {
  const hierarchies = isRoot() ? [...versionTwo(), ...versionOne()] : [];
  for (const { root } of hierarchies) sweep(root);
  const own = `${process.pid}-${createHash("sha256").update(home).digest("hex").slice(0, 8)}`;
  const folder = ({ root }: Hierarchy, id = "") => join(root, NAME, own, id);
  const usable = hierarchies.filter((hierarchy) =>
    attempt(() => {
      for (const group of [join(hierarchy.root, NAME), folder(hierarchy)]) make(group, hierarchy.all);
    }),
  );
  const whole = usable.length > 0 && usable.length === hierarchies.length;
  const bound = `${most.memoryMiB} MiB of memory and ${most.processes} processes a ship`;
  if (!whole) for (const hierarchy of usable) attempt(() => rmdirSync(folder(hierarchy)));
  return {
    told: whole
      ? `${bound}, held by control groups`
      : `no control groups here, so memory is not bound${isRoot() ? ", nor are processes" : ""}: ships are nicer, and the first to go when it runs out`,
    of(id) {
      const files = whole ? usable.map((hierarchy) => join(folder(hierarchy, id), "cgroup.procs")) : [];
      const nice = whole ? [] : UNBOUND_NICE;
      // The shell moves itself, by 0, and becomes the command. A command that cannot be bound does not run.
      const script = `echo ${OOM_SCORE} >/proc/self/oom_score_adj; for file in ${files.join(" ")}; do echo 0 >$file || exit 126; done; exec "$@"`;
      const enter = ["/bin/sh", "-c", script, "sh", ...nice];
      if (whole) for (const hierarchy of usable) make(folder(hierarchy, id), hierarchy.most(most));
      return {
        first: [...enter, ...(whole ? [] : ["prlimit", `--nproc=${Math.min(most.processes, hardLimit())}`])],
        enter,
        leave() {
          for (const hierarchy of whole ? usable : []) attempt(() => rmdirSync(folder(hierarchy, id)));
        },
      };
    },
    close() {
      for (const { root } of hierarchies) sweep(root, own);
    },
  };
}

/** The second version's hierarchy, where it has the controllers; else none. */
function versionTwo(): Hierarchy[] {
  const root = mountsOf("cgroup2")[0]?.at;
  const needed = ["cpu", "memory", "pids"];
  if (!root || !needed.every((name) => lines(join(root, "cgroup.controllers")).includes(name))) return [];
  const enable = { "cgroup.subtree_control": needed.map((name) => `+${name}`).join(" ") };
  const ready = attempt(() => {
    write(root, enable);
    make(join(root, NAME), { ...enable, "cpu.weight": String(Math.min(10_000, Math.round((SHARES * 100) / 1024))) });
  });
  const most = ({ memoryMiB, processes }: Most) => ({
    "memory.max": String(memoryMiB * MIB),
    "memory.swap.max": "0",
    "pids.max": String(processes),
  });
  return ready ? [{ root, most, all: enable }] : [];
}

/** The first version's three hierarchies, where all are mounted; else none. */
function versionOne(): Hierarchy[] {
  const all: Record<string, Pick<Hierarchy, "most" | "all">> = {
    cpu: { most: () => ({}), all: { "cpu.shares": String(SHARES) } },
    memory: {
      // Swap can be bound only after memory, and where the kernel counts it.
      most: ({ memoryMiB }) => ({
        "memory.limit_in_bytes": String(memoryMiB * MIB),
        "memory.memsw.limit_in_bytes?": String(memoryMiB * MIB),
      }),
      all: {},
    },
    pids: { most: ({ processes }) => ({ "pids.max": String(processes) }), all: {} },
  };
  const mounts = mountsOf("cgroup");
  const found = Object.entries(all).flatMap(([name, files]) => {
    const mount = mounts.find(({ options }) => options.split(",").includes(name));
    return mount ? [{ root: mount.at, ...files }] : [];
  });
  return found.length === Object.keys(all).length ? found : [];
}

/** The writable mounts of a kind of file system, with the options of their super block. */
function mountsOf(kind: string): { at: string; options: string }[] {
  return lines("/proc/self/mountinfo", "\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , , at = "", options = ""] = before.split(" ");
    const [type, , superOptions = ""] = after.split(" ");
    return type === kind && options.split(",").includes("rw") ? [{ at, options: superOptions }] : [];
  });
}

/** Makes a group, and writes its files; one whose name ends with "?" may be missing. */
function make(folder: string, files: Record<string, string>): void {
  mkdirSync(folder, { recursive: true });
  write(folder, files);
}

function write(folder: string, files: Record<string, string>): void {
  for (const [name, value] of Object.entries(files)) {
    const file = join(folder, name.replace("?", ""));
    if (!name.endsWith("?") || existsSync(file)) writeFileSync(file, value);
  }
}

/** Removes the groups of harbors that are gone, and of `own`. A group with a process stays, by the kernel. */
function sweep(root: string, own?: string): void {
  const folder = join(root, NAME);
  for (const harbor of groupsIn(folder)) {
    if (harbor !== own && existsSync(`/proc/${harbor.split("-")[0]}`)) continue;
    for (const ship of groupsIn(join(folder, harbor))) attempt(() => rmdirSync(join(folder, harbor, ship)));
    attempt(() => rmdirSync(join(folder, harbor)));
  }
}

/** The most processes that this process may let a user have, which only root may raise. */
function hardLimit(): number {
  const [, hard] = /^Max processes\s+\S+\s+(\d+)/m.exec(lines("/proc/self/limits", "\n").join("\n")) ?? [];
  return hard ? Number(hard) : Number.POSITIVE_INFINITY;
}

const groupsIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    : [];

function lines(file: string, separator: RegExp | string = /\s+/): string[] {
  try {
    return readFileSync(file, "utf8").split(separator);
  } catch {
    return [];
  }
}

function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}
