import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changedFiles, outsideOf } from "../../helm/repository/outside.ts";

let repo: string;
beforeEach(() => {
  repo = mkdtempSync(join(tmpdir(), "oho-"));
  git(["init", "--quiet", "--bare"]);
});
afterEach(() => rmSync(repo, { recursive: true, force: true }));

const git = (args: string[], input = "") => execFileSync("git", args, { cwd: repo, input, encoding: "utf8" }).trim();
/** A tree of entries that are all the same file or the same tree. */
const treeOf = (names: string[], entry: string) => git(["mktree", "-z"], names.map((name) => `${entry}\t${name}\0`).join(""));
const numbered = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}${i}`);

test("a commit that changes more than 64 MiB of paths is looked at all the same", async () => {
  const empty = git(["mktree"]);
  const blob = git(["hash-object", "-w", "--stdin"]);
  const files = treeOf(["inside", ...numbered(290, "x")], `100644 blob ${blob}`);
  const tree = treeOf(numbered(290, "long".repeat(220)), `040000 tree ${files}`);
  const changes = { repo, from: empty, to: tree };
  expect(await outsideOf(["*/inside"], changes)).toMatchObject({ count: 290 * 290, files: { length: 20 } });
  expect(await outsideOf(["**"], { ...changes, to: files })).toBeUndefined();
  expect(await changedFiles(repo, empty, files)).toHaveLength(291);
  const more = treeOf(numbered(400, "d"), `040000 tree ${files}`);
  expect(await changedFiles(repo, empty, more)).toBeNull();
});

test("a name that no file system could have is told by its beginning", async () => {
  const blob = git(["hash-object", "-w", "--stdin"]);
  const tree = treeOf(["a", "b".repeat(300_000), "c"], `100644 blob ${blob}`);
  const changed = await changedFiles(repo, git(["mktree"]), tree);
  expect(changed!.map((path) => path[0])).toEqual(["a", "b", "c"]);
  expect(changed![1]!.length).toBeLessThanOrEqual(3 * 64 * 1024);
});
