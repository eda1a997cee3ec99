import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { uncommitted } from "../../lib/preflight/uncommitted.ts";
import { writeRepo } from "../support/plan.ts";

let root: string;
let checkout: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "un-"));
  checkout = await writeRepo(join(root, "repo"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("what no commit has is listed by name: changed, added and untracked files; the index stays as it is", async () => {
  expect(await uncommitted(checkout)).toEqual([]);
  await writeFile(join(checkout, "README.md"), "changed");
  await writeFile(join(checkout, "añadido"), "new");
  await execa("git", ["add", "añadido"], { cwd: checkout });
  await writeFile(join(checkout, "two words"), "new");
  const index = await readFile(join(checkout, ".git", "index"));
  expect((await uncommitted(checkout)).sort()).toEqual(["README.md", "añadido", "two words"]);
  expect(await readFile(join(checkout, ".git", "index"))).toEqual(index);
});

test("no filter that the checkout's configuration names is run", async () => {
  const ran = join(root, "ran");
  await execa("git", ["config", "filter.mine.clean", `touch ${ran}; cat`], { cwd: checkout });
  await writeFile(join(checkout, ".gitattributes"), "* filter=mine\n");
  // Only of a file of the same length must git read the content to see whether it has changed.
  const was = await readFile(join(checkout, "README.md"), "utf8");
  await writeFile(join(checkout, "README.md"), was.replace(/^./, "?"));
  expect(await uncommitted(checkout)).toEqual(["README.md", ".gitattributes"]);
  expect(existsSync(ran)).toBe(false);
  await execa("git", ["status"], { cwd: checkout });
  expect(existsSync(ran)).toBe(true);
});

test("a bare repository and a folder that is none hold nothing uncommitted", async () => {
  const bare = join(root, "bare.git");
  await execa("git", ["clone", "--quiet", "--bare", checkout, bare]);
  expect(await uncommitted(bare)).toEqual([]);
  expect(await uncommitted(root)).toEqual([]);
});
