import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { type Mutagen, openMutagen } from "../../lib/mutagen/client.ts";
import type { SessionSpec } from "../../lib/mutagen/spec.ts";

/** Two folders of the test that runs, and Mutagen's real daemon, which ends with it. */

export let root: string;
export let mutagen: Mutagen;
export let spec: SessionSpec;

beforeEach(async () => {
  root = await mkdtemp(join(await realpath(tmpdir()), "mg-"));
  mutagen = openMutagen({ dataDirectory: join(root, "d"), env: { OCAPTAIN_TEST: "yes" } });
  await mkdir(join(root, "a"));
  await mkdir(join(root, "b"));
  spec = {
    name: "v1-ship-0-workspace-1",
    alpha: join(root, "a"),
    beta: join(root, "b"),
    mode: "two-way-safe",
    ignores: [".git"],
    pollingIntervalSeconds: 1,
    maxFileBytes: 1024 * 1024,
    maxEntries: 1000,
    symlinks: "portable",
    labels: { ship: "ship-0" },
  };
});

afterEach(async () => {
  await mutagen.stopDaemon();
  await rm(root, { recursive: true, force: true });
});

export const inA = (name: string) => join(root, "a", name);
export const inB = (name: string) => join(root, "b", name);

/**
 * Finds processes of this test alone, by a line of their environment and a part of their command line, whose arguments
 * end in NUL.
 */
export async function pidsOf(environmentLine: string, command: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (!environment.split("\0").includes(environmentLine)) continue;
    if ((await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).includes(command)) found.push(Number(pid));
  }
  return found;
}

/** Finds the daemon of this test. */
export async function daemonPid(): Promise<number> {
  const [pid] = await pidsOf(`MUTAGEN_DATA_DIRECTORY=${join(root, "d")}`, "daemon\0run");
  if (pid === undefined) throw new Error("no daemon of ours runs");
  return pid;
}
