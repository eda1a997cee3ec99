import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { showChange } from "../../cli/landing/show-change.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { gitIn, nobodysEnv } from "../support/git.ts";
import { BIN } from "../support/ocaptain.ts";
import { listen } from "../support/spoken.ts";

const STACK = "voyage-quay";
const ESCAPE = "\u001b[2J";
let root: string;
let tree: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "oc-left-"));
  process.env.OCAPTAIN_VOYAGES = join(root, "voyages");
  tree = join(root, "tree");
  const folder = voyageFolder(STACK);
  mkdirSync(folder.root, { recursive: true });
  const file = { voyageId: "abc123", stack: STACK, captainId: "c", nonce: "n", createdAt: "2026-11-28T00:00:00Z" };
  writeFileSync(folder.voyageFile, JSON.stringify(file));
  gitIn(root, "init", "-q", "-b", STACK, "tree");
  commit("Start", { "README.md": "hello\n" });
  gitIn(root, "clone", "-q", "--bare", "tree", folder.repo);
  gitIn(tree, "remote", "add", "voyage", folder.repo);
});
afterEach(() => {
  delete process.env.OCAPTAIN_VOYAGES;
  rmSync(root, { recursive: true, force: true });
});

function commit(subject: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text);
  }
  gitIn(tree, "add", "-A");
  gitIn(tree, "commit", "-q", "-m", subject);
  return gitIn(tree, "rev-parse", "HEAD");
}
const task = (id: number, files: Record<string, string>, voyage = "abc123") =>
  commit(`Task ${id}\n\nTask: ${id}\nShip: ship-0\nVoyage: ${voyage}`, files);
const push = (ref: string) => gitIn(tree, "push", "-q", "voyage", `HEAD:${ref}`);
const typed = (...words: string[]) => execa(BIN, words, { cwd: root, reject: false, stdin: "ignore", stripFinalNewline: false });
const json = async (...words: string[]) => JSON.parse((await typed(...words, "--json")).stdout);

test("diff is what the voyage has changed since it began, or one task has; through a pipe it is a patch that applies", async () => {
  const start = task(7, { "before.txt": "of another voyage\n" }, "fed321");
  task(1, { "a.txt": `a${ESCAPE}\n` });
  const second = task(2, { "b.txt": "b\n", "bytes.bin": "\0\u0001" });
  push(STACK);
  const { stdout, stderr, exitCode } = await typed("diff");
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining(`${start.slice(0, 8)}..${second.slice(0, 8)}`),
  });
  const again = join(root, "again");
  gitIn(root, "clone", "-q", voyageFolder(STACK).repo, again);
  gitIn(again, "checkout", "-q", start);
  await execa("git", ["apply", "--index", "-"], { cwd: again, input: stdout, env: nobodysEnv });
  expect(gitIn(again, "write-tree")).toBe(gitIn(tree, "rev-parse", "HEAD^{tree}"));

  expect(await json("diff", STACK, "--task", "#2")).toEqual({
    ...{ voyage: STACK, task: "2", ship: "ship-0", from: `${gitIn(tree, "rev-parse", "HEAD^")}`, to: second },
    files: [
      { path: "b.txt", added: 1, deleted: 0 },
      { path: "bytes.bin", added: null, deleted: null },
    ],
  });
  expect((await typed("diff", "--stat")).stdout).toMatch(/a\.txt +\| +1 \+[\s\S]*3 files changed/);
  expect(await typed("diff", "--task", "7")).toMatchObject({
    ...{ exitCode: 1, stdout: "" },
    stderr: expect.stringMatching(/has no commit of a task "7"\n {2}hint: ocaptain tasks voyage-quay -s accepted/),
  });
});

test("on a terminal a patch is coloured by us, and what an agent wrote acts on nothing", async () => {
  const from = gitIn(tree, "rev-parse", "HEAD");
  const to = task(1, { "a.txt": `a${ESCAPE}\n` });
  push(STACK);
  const heard = listen();
  const io = { ...heard.io, columns: 80, style: (format: unknown, text: string) => `<${String(format)}>${text}` };
  await showChange({ repo: voyageFolder(STACK).repo, from, to }, {}, io);
  expect(heard.out.join()).toMatch(/^<bold>diff --git a\/a\.txt b\/a\.txt\n[\s\S]*\n<cyan>@@ .*\n<green>\+a/);
  expect(heard.out.join()).not.toContain("\u001b");
});

test("a diff of a voyage that has accepted nothing is empty, and says so", async () => {
  expect(await typed("diff")).toMatchObject({
    exitCode: 0,
    stdout: "",
    stderr: expect.stringContaining("nothing was accepted yet"),
  });
});

/** Two refs of what was left, and a mirror that was put aside. */
function leaveSome(): void {
  commit("What ship-1 left of task 3 (epoch 2)\n\nwhy\n\nTask: 3\nShip: ship-1", { "half.txt": "half\n" });
  push("refs/lost/3/2");
  gitIn(tree, "reset", "-q", "--hard", "HEAD^");
  commit("What ship-0 left of 1-1, not delivered", { "notes.txt": "notes\n" });
  push("refs/ships/ship-0/left-1-1");
  gitIn(tree, "reset", "-q", "--hard", "HEAD^");
  const aside = join(voyageFolder(STACK).ships, "left/ship-2/i-1-1790000000000");
  mkdirSync(join(aside, "src"), { recursive: true });
  writeFileSync(join(aside, "src/x.txt"), "12345");
}

test("left lists what is not on the branch, with its task, ship and size, and leaves out the ships' other refs", async () => {
  expect(await typed("left")).toMatchObject({ exitCode: 0, stdout: "", stderr: expect.stringContaining("has left nothing") });
  leaveSome();
  push("refs/ships/ship-0/1-1");
  const { left } = await json("left");
  expect(
    left
      .map(({ name, kind, task, ship, files, bytes }: Record<string, unknown>) => [name, kind, task, ship, files, bytes])
      .sort(),
  ).toEqual([
    ["lost/3/2", "lost", "3", "ship-1", 1, 5],
    ["mirror/ship-2/i-1-1790000000000", "mirror", null, "ship-2", 1, 5],
    ["ship-0/left-1-1", "left", "1", "ship-0", 1, 6],
  ]);
  const { stdout } = await typed("left", STACK);
  expect(stdout).toMatch(/^NAME +WHAT +TASK +SHIP +AGE +CHANGED +SIZE\n/);
  expect(stdout).toMatch(/^lost\/3\/2 +rescued from its mirror +#3 +ship-1 .* 1 file +5 bytes$/m);
});

test("what was left can be shown, taken and dropped, and a name that is none is refused with what there is", async () => {
  leaveSome();
  expect((await typed("left", "show", "lost/3/2")).stdout).toMatch(/^\+half$/m);
  expect((await typed("left", "show", "mirror/ship-2/i-1-1790000000000")).stdout).toContain("src/x.txt");
  expect(await typed("left", "show", "lost/9/9")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("there is ") });

  const taken = join(root, "taken");
  expect((await typed("left", "take", "ship-0/left-1-1", "-d", taken)).stdout).toBe(`${taken}\n`);
  expect([readFileSync(join(taken, "notes.txt"), "utf8"), gitIn(taken, "branch", "--show-current")]).toEqual([
    "notes\n",
    "ship-0/left-1-1",
  ]);
  const files = join(root, "files");
  await typed("left", "take", "mirror/ship-2/i-1-1790000000000", "-d", files);
  expect(readFileSync(join(files, "src/x.txt"), "utf8")).toBe("12345");
  expect((await typed("left", "take", "lost/3/2", "-d", files)).stderr).toMatch(/is there already, and nothing is overwritten/);

  expect(await typed("left", "drop", "lost/3/2")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/nobody can be asked.*\n {2}hint: ocaptain left drop lost\/3\/2 --voyage voyage-quay --yes/s),
  });
  expect((await typed("left", "drop", "lost/3/2", "mirror/ship-2/i-1-1790000000000", "--yes")).exitCode).toBe(0);
  expect((await json("left")).left.map(({ name }: { name: string }) => name)).toEqual(["ship-0/left-1-1"]);
  expect(existsSync(join(voyageFolder(STACK).ships, "left/ship-2/i-1-1790000000000"))).toBe(false);
});

test("clone --with-left brings what was left as remote branches", async () => {
  leaveSome();
  const { left, folder } = await json("clone", "--with-left", "-d", join(root, "clone"));
  expect(left.sort()).toEqual(["left/lost/3/2", "left/ship-0/left-1-1"]);
  expect(gitIn(folder, "show", "left/lost/3/2:half.txt")).toBe("half");
});
