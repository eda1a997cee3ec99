import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunGit } from "./git.ts";
import { MUTAGENS_OWN } from "./strays.ts";

/**
 * Makes a git directory of the crew's own where there is none, and takes away what a git command that was killed has left: whoever calls this runs no
 * other in it.
 */
export async function ensureRepo(git: RunGit, repo: string): Promise<void> {
  if (!existsSync(join(repo, "HEAD"))) {
    mkdirSync(repo, { recursive: true });
    await git(["init", "--quiet", "--bare", "--template="], { cwd: repo });
  }
  const exclude = join(repo, "info", "exclude");
  if (!existsSync(exclude)) {
    mkdirSync(join(repo, "info"), { recursive: true });
    writeFileSync(exclude, `${MUTAGENS_OWN}*\n`);
  }
  for (const entry of readdirSync(repo, { withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith(".lock")) rmSync(join(repo, entry.name));
  for (const name of readdirSync(join(repo, "refs"), { recursive: true, encoding: "utf8" }))
    if (name.endsWith(".lock")) rmSync(join(repo, "refs", name));
  const packs = join(repo, "objects", "pack");
  if (existsSync(packs)) for (const name of readdirSync(packs)) if (name.startsWith("tmp_")) rmSync(join(packs, name));
}
