import { lstat, mkdir, readdir, readFile, readlink, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { voyageFolder } from "../../lib/base/paths.ts";
import { runProgram } from "../../lib/base/run-program.ts";
import type { Mutagen } from "../../lib/mutagen/client.ts";
import type { SessionSpec } from "../../lib/mutagen/spec.ts";
import { leftFolder, tellAside } from "./aside.ts";

/** The longest that the copy of a mirror may take. */
const COPY_MS = 10 * 60_000;

/**
 * Makes a mirror equal to its ship's tree before a two-way sync of the two begins again, after the old one was ended by
 * somebody else or lost with its data. Without the old sync's memory Mutagen would take each file that the ship has
 * changed since for a conflict, and bring back what the ship has deleted. What the mirror has otherwise is put aside,
 * and named on stderr. Does nothing where the sync is there, or the mirror is empty.
 */
export async function catchUp(
  mutagen: Mutagen,
  spec: SessionSpec,
  of: { stack: string; ship: string; incarnation: string },
): Promise<void> {
  await mutagen.ensureDaemon();
  const mirror = voyageFolder(of.stack).mirror(of.ship);
  if ((await mutagen.has(spec)) || (await readdir(mirror).catch(() => [])).length === 0) return;
  const aside = leftFolder(of);
  await copyByLinks(mirror, aside);
  const replica: SessionSpec = {
    ...spec,
    name: `${spec.name}-again`,
    labels: { ...spec.labels, kind: "again" },
    mode: "one-way-replica",
    alpha: spec.beta,
    beta: spec.alpha,
  };
  try {
    await mutagen.terminate(replica.name); // an up that was cut off may have left one
    await mutagen.firstCycle(await mutagen.ensureSession(replica));
  } finally {
    await mutagen.terminate(replica.name);
    const kept = await dropEqual(aside, mirror);
    tellAside(of.ship, kept, aside);
  }
}

/** Copies a folder by hard links, where the file system has them: Mutagen replaces files and never writes into one. */
async function copyByLinks(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const linked = await runProgram("cp", ["-al", "--", from, to], { timeoutMs: COPY_MS });
  if (linked.ok) return;
  await rm(to, { recursive: true, force: true });
  const copied = await runProgram("cp", ["-a", "--", from, to], { timeoutMs: COPY_MS });
  if (!copied.ok) throw new Error(`${from} was not copied: ${copied.stderr.trim() || copied.why}`);
}

/** Removes from `aside` what `mirror` has too, and folders that are then empty. Returns the paths that are left. */
async function dropEqual(aside: string, mirror: string): Promise<string[]> {
  const kept: string[] = [];
  for (const entry of await readdir(aside, { withFileTypes: true })) {
    const [ours, theirs] = [join(aside, entry.name), join(mirror, entry.name)];
    if (entry.isDirectory()) kept.push(...(await dropEqual(ours, theirs)).map((path) => join(entry.name, path)));
    else if (await isEqual(ours, theirs)) await rm(ours);
    else kept.push(entry.name);
  }
  if (kept.length === 0) await rmdir(aside);
  return kept;
}

async function isEqual(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => lstat(path).catch(() => null)));
  if (!one || !other) return false;
  if (one.isSymbolicLink() && other.isSymbolicLink()) return (await readlink(a)) === (await readlink(b));
  if (!one.isFile() || !other.isFile()) return false;
  if (one.ino === other.ino && one.dev === other.dev) return true;
  return one.size === other.size && (await readFile(a)).equals(await readFile(b));
}
