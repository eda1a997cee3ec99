/** Builds programs from their published Go modules: the last resort, for machines that reach only a Go module proxy. */
import { existsSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, toolsFolder } from "../places.mjs";
import { findOnPath, runCommand } from "./command.mjs";

const BUILD_LIMIT_MS = 40 * 60_000;
/**
 * The disk space that a build of Pulumi needs, for the modules' archives, the unpacked module cache and the build cache
 * (docs/facts/pulumi.md#parts).
 */
const SPACE_GIB = 3;

/**
 * Builds the main package `pkg` as the file `output`, in `tools/go/<module>` with its committed go.sum. The options
 * `tags`, `ldflags` and `env` are Go's own. Rejects when the build fails or takes more than 40 minutes.
 */
export async function goBuild(module, pkg, output, { tags, ldflags, env, tell }) {
  const cwd = join(root, "tools", "go", module);
  const args = ["build", "-v", "-o", output, ...(tags ? ["-tags", tags] : []), ...(ldflags ? ["-ldflags", ldflags] : []), pkg];
  let compiled = 0;
  const onLine = (line) => tell(line.startsWith("go: ") ? line.slice(4) : `${++compiled} packages compiled, ${line}`);
  await runCommand("go", args, { cwd, env, timeoutMs: BUILD_LIMIT_MS, onLine });
}

/**
 * Rejects, naming what to install, unless there is a Go and the disks have room. Whether Go is new enough for the
 * go.mod is checked by Go itself.
 */
export async function checkGo(module) {
  if (!findOnPath("go")) throw new Error("there is no Go to build it: install Go ≥ 1.26 (https://go.dev/dl/)");
  const cwd = join(root, "tools", "go", module);
  const folders = (await runCommand("go", ["env", "GOVERSION", "GOCACHE", "GOMODCACHE"], { cwd })).split("\n").slice(1);
  for (const folder of [toolsFolder(), ...folders]) {
    const disk = statfsSync(nearest(folder));
    const freeGiB = (disk.bavail * disk.bsize) / 2 ** 30;
    if (freeGiB < SPACE_GIB) throw new Error(`building needs ${SPACE_GIB} GiB, and ${folder} has ${freeGiB.toFixed(1)} GiB free`);
  }
}

const nearest = (folder) => (existsSync(folder) ? folder : nearest(dirname(folder)));
