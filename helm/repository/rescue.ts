import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { plainLines } from "../../lib/base/text.ts";
import { type GitOptions, git, gitLine } from "../../lib/git/run.ts";
import { PUT_ASIDE } from "../../lib/mutagen/mirror-links.ts";

/**
 * Saves a ship's mirror, with what the ship had not delivered, as a commit on `base` under `refs/lost/<task>/<epoch>`.
 * Nothing runs that the mirror brings. Returns the ref; null when there is no mirror, or it holds nothing that `base`
 * has not.
 * @param ask.base the tip of the ship's grant
 */
export async function rescueMirror(
  folder: VoyageFolder,
  ask: { ship: string; task: string; epoch: number; base: string; reason: string },
): Promise<string | null> {
  const mirror = folder.mirror(ask.ship);
  if (!existsSync(mirror) || (await readdir(mirror)).length === 0) return null;
  const scratch = await mkdtemp(join(tmpdir(), "oc-lost-"));
  try {
    const options: GitOptions = {
      gitDir: folder.repo,
      workTree: mirror,
      cwd: mirror,
      env: { GIT_INDEX_FILE: join(scratch, "index") },
      config: [["core.bare", "false"]],
      timeoutMs: 5 * 60_000,
    };
    await git(["read-tree", ask.base], options);
    // git would ask a repository at the path of a submodule for its status, by that repository's own configuration. So
    // submodules are put aside while the tree is read, and put back as they were.
    const staged = async () => (await git(["ls-files", "--stage", "-z"], options)).stdout.split("\0").filter(Boolean);
    const base = await staged();
    const submodules = base.filter((line) => line.startsWith("160000 "));
    const gone = submodules.map((line) => `0 ${"0".repeat(40)}\t${line.split("\t")[1]}\0`).join("");
    if (gone) await git(["update-index", "-z", "--index-info"], { ...options, stdin: gone });
    // Exit code 1 says that some file could not be read. What could be read is saved.
    await git(["add", "--all", "--ignore-errors", "."], { ...options, okCodes: [0, 1] });
    if (submodules.length) await git(["update-index", "-z", "--index-info"], { ...options, stdin: `${submodules.join("\0")}\0` });
    // A mark that stands in the place of a link which the helm has put aside is not the ship's: the file of the base
    // comes back there.
    const mark = await gitLine(["hash-object", "--stdin"], { gitDir: folder.repo, stdin: PUT_ASIDE });
    const marked = (await staged()).filter((line) => line.startsWith(`120000 ${mark} `)).map(pathOf);
    const back = marked
      .map((path) => `${base.find((line) => pathOf(line) === path) ?? `0 ${"0".repeat(40)}\t${path}`}\0`)
      .join("");
    if (back) await git(["update-index", "-z", "--index-info"], { ...options, stdin: back });
    const tree = await gitLine(["write-tree"], options);
    if (tree === (await gitLine(["rev-parse", `${ask.base}^{tree}`], { gitDir: folder.repo }))) return null;
    const message = `What ${ask.ship} left of task ${ask.task} (epoch ${ask.epoch})\n\n${plainLines(ask.reason, { most: 8192 })}\n\nTask: ${ask.task}\nShip: ${ask.ship}\n`;
    const commit = await gitLine(["commit-tree", tree, "-p", ask.base, "-F", "-"], { gitDir: folder.repo, stdin: message });
    const ref = `refs/lost/${ask.task}/${ask.epoch}`;
    await git(["update-ref", ref, commit], { gitDir: folder.repo });
    return ref;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const pathOf = (line: string) => line.slice(line.indexOf("\t") + 1);
