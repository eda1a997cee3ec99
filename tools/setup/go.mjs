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
/** Where Go's own instructions, and some systems' packages, put it, which is not always on PATH. */
const PLACES = ["/usr/local/go/bin/go", "/usr/lib/go/bin/go", "/snap/bin/go", "/opt/homebrew/bin/go"];

/** The Go on PATH, else one in a usual place; undefined when there is none. */
export const findGo = (places = PLACES) => findOnPath("go") ?? places.find((place) => existsSync(place));

/**
 * Builds the main package `pkg` as the file `output`, in `tools/go/<module>` with its committed go.sum. The options
 * `tags`, `ldflags` and `env` are Go's own. Rejects when the build fails or takes more than 40 minutes.
 */
export async function goBuild(module, pkg, output, { tags, ldflags, env, tell }) {
  const options = { cwd: join(root, "tools", "go", module), env, timeoutMs: BUILD_LIMIT_MS };
  const go = findGo() ?? "go";
  const tagged = tags ? ["-tags", tags] : [];
  const onDownload = (line) => line.startsWith("go: ") && tell(line.slice(4));
  const all = await runCommand(go, ["list", "-deps", ...tagged, pkg], { ...options, onLine: onDownload });
  // Those that Go has compiled before, it does not name again.
  const most = all.split("\n").length;
  let compiled = 0;
  const onLine = (line) =>
    line.startsWith("go: ") ? onDownload(line) : tell(`${++compiled} of at most ${most} packages compiled, ${line}`);
  const args = ["build", "-v", "-o", output, ...tagged, ...(ldflags ? ["-ldflags", ldflags] : []), pkg];
  await runCommand(go, args, { ...options, onLine });
}

/**
 * Says, before a build begins, what is built, why, and how long that takes.
 * @param {(line: string) => void} note
 */
export function sayBuild(note, { title, why, minutes }) {
  note(`${title} is built by ${findGo()}, as ${why}. That takes some ${minutes} minutes, once.`);
}

/**
 * Rejects, naming what to install, unless there is a Go and the disks have room. Whether Go is new enough for the
 * go.mod is checked by Go itself.
 */
export async function checkGo(module) {
  const go = findGo();
  if (!go) throw new Error("there is no Go to build it: install Go ≥ 1.26 (https://go.dev/dl/)");
  const cwd = join(root, "tools", "go", module);
  const folders = (await runCommand(go, ["env", "GOVERSION", "GOCACHE", "GOMODCACHE"], { cwd })).split("\n").slice(1);
  for (const folder of [toolsFolder(), ...folders]) {
    const disk = statfsSync(nearest(folder));
    const freeGiB = (disk.bavail * disk.bsize) / 2 ** 30;
    if (freeGiB < SPACE_GIB) throw new Error(`building needs ${SPACE_GIB} GiB, and ${folder} has ${freeGiB.toFixed(1)} GiB free`);
  }
}

const nearest = (folder) => (existsSync(folder) ? folder : nearest(dirname(folder)));
