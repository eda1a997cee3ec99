import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { VoyageFolder } from "../base/paths.ts";
import { type GitConfig, git, gitLine } from "./run.ts";

/**
 * The repository that a voyage works on (docs/adr/who-a-voyage-is.md). Its address may change; its history does not.
 */
export const Repository = z.object({
  /** The address as git was told it: a URL, or an absolute path; "" when the voyage began with nothing. */
  address: z.string(),
  /**
   * The first commits of its history. There are none when the voyage began with an empty repository: then only the
   * address tells which it is.
   */
  roots: z.array(z.string()),
});
export type Repository = z.infer<typeof Repository>;

/** Author and subject of the commit with which a voyage on an empty repository begins (voyage-repo.ts). */
export const EMPTY_START = { email: "helm@ocaptain", subject: "An empty start" };

/**
 * Reads from the captain's folder which repository a voyage works on, also for a voyage that began before this was
 * recorded.
 */
export async function repositoryOf(folder: VoyageFolder, branch: string): Promise<Repository> {
  const bare = { gitDir: folder.repo };
  const address = await gitLine(["config", "--get", "remote.origin.url"], { ...bare, okCodes: [0, 1] });
  const log = await git(["log", "--max-parents=0", "--format=%H %ae %s", `refs/heads/${branch}`], bare);
  const began = log.stdout.split("\n").filter((line) => line && !line.endsWith(` ${EMPTY_START.email} ${EMPTY_START.subject}`));
  return { address, roots: began.map((line) => line.split(" ")[0]!).sort() };
}

/** The most refs of a source that are compared. HEAD is the first of them. */
const MOST_REFS = 500;

/**
 * Tells whether a source has the voyage's history, or a part of it. The tips of its branches are looked for in the
 * voyage's own repository first. Only a source whose branches have all gone on is asked for its commits, without files,
 * into a folder that is then deleted.
 * @returns null when that could not be told in time
 */
export async function sharesHistory(
  folder: VoyageFolder,
  roots: readonly string[],
  source: { address: string; refs: ReadonlyMap<string, string>; config: GitConfig },
  timeoutMs: number,
): Promise<boolean | null> {
  const refs = [...source.refs].slice(0, MOST_REFS);
  const ids = [...new Set(refs.map(([, id]) => id))];
  if (ids.length === 0) return roots.length === 0;
  const known = await git(["cat-file", "--batch-check"], { gitDir: folder.repo, stdin: `${ids.join("\n")}\n` });
  if (/ (commit|tag) \d+$/m.test(known.stdout)) return true;
  const scratch = await mkdtemp(join(tmpdir(), "oc-source-"));
  try {
    const bare = { gitDir: scratch, timeoutMs };
    await git(["init", "--quiet", "--bare", "--template=", "--", scratch]);
    await writeFile(join(scratch, "objects/info/alternates"), `${join(folder.repo, "objects")}\n`);
    await git(["fetch", "--quiet", "--no-tags", "--filter=tree:0", "--", source.address, ...refs.map(([ref]) => ref)], {
      ...bare,
      config: source.config,
    });
    const theirs = (await git(["rev-list", "--max-parents=0", ...ids], bare)).stdout.split("\n");
    return theirs.some((root) => roots.includes(root));
  } catch {
    return null;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
