import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PUT_ASIDE } from "../../lib/mutagen/mirror-links.ts";
import { gitIn } from "../support/git.ts";
import { makeSource } from "../support/helm-voyage.ts";
import { bare, begin, captain, count, folder, helm, id, join_, sail } from "./git-voyage.ts";

/** What a ship leaves in its mirror, and what a repository or a tree may bring, which the captain did not write. */

test("what a fenced ship had not committed is under refs/lost before another has its task, on top of what it was granted", async () => {
  const { folder } = await sail({ "1": [] }, { "README.md": "hello\n", ".gitignore": "cache\n" });
  const a = await join_("ship-0");
  const grant = await a.call.grant();
  const mirror = folder.mirror("ship-0");
  mkdirSync(mirror, { recursive: true });
  gitIn(captain.root, "--git-dir", folder.repo, "--work-tree", mirror, "checkout", "-q", "-f", grant.tip, "--", ".");
  writeFileSync(join(mirror, "half"), "half done\n");
  mkdirSync(join(mirror, "cache"));
  writeFileSync(join(mirror, "cache", "x"), "x");
  expect(await helm.fenceShip(id, "ship-0", "vm-ship-0", "its VM is gone")).toEqual({ lost: ["refs/lost/1/1"] });
  expect(await helm.fenceShip(id, "ship-0", "vm-ship-0", "again")).toEqual({ lost: ["refs/lost/1/1"] });
  expect(bare("show", "refs/lost/1/1:half")).toBe("half done");
  expect(bare("rev-parse", "refs/lost/1/1^")).toBe(grant.tip);
  expect(bare("ls-tree", "-r", "--name-only", "refs/lost/1/1").split("\n")).toEqual([".gitignore", "README.md", "half"]);
  expect(await a.call.claim().catch((error) => String(error))).toContain("fenced");
  const b = await join_("ship-1");
  expect(await b.call.grant()).toMatchObject({ task: { id: "1" }, epoch: 2 });
});

test("nothing that a repository, a checkout or a mirror brings is run at the captain", async () => {
  const trap = join(captain.root, "trap");
  const springs = join(captain.root, "springs");
  writeFileSync(trap, `#!/bin/sh\ntouch ${springs}\ncat\n`);
  chmodSync(trap, 0o755);
  const arm = (gitDir: string) => {
    mkdirSync(join(gitDir, "hooks"), { recursive: true });
    for (const hook of [
      "pre-commit",
      "post-commit",
      "post-checkout",
      "post-merge",
      "pre-receive",
      "update",
      "post-receive",
      "post-update",
      "reference-transaction",
      "post-index-change",
    ]) {
      writeFileSync(join(gitDir, "hooks", hook), `#!/bin/sh\ntouch ${springs}\n`, { mode: 0o755 });
    }
    gitIn(gitDir, "--git-dir", gitDir, "config", "core.fsmonitor", trap);
    gitIn(gitDir, "--git-dir", gitDir, "config", "uploadpack.packObjectsHook", trap);
  };
  const attributes = { ".gitattributes": "* filter=evil diff=evil merge=evil\n", f: "1\n" };
  const source = makeSource(captain.root, attributes);
  // A submodule at the path where the mirror will have an armed repository.
  const submodule = gitIn(source, "rev-parse", "HEAD");
  gitIn(source, "update-index", "--add", "--cacheinfo", `160000,${submodule},sub`);
  gitIn(source, "commit", "-q", "-m", "with a submodule");
  arm(join(source, ".git"));
  const voyage = await begin(source, { "1": [], "2": [] });
  arm(folder.repo);
  arm(join(folder.workspace, ".git"));
  await helm.registerVoyage(id, voyage.register);

  const a = await join_("ship-0");
  const grant = await a.call.grant();
  a.tree.reset(grant.tip);
  const commit = a.tree.commit({ f: "2\n" }, "Work");
  a.tree.push(commit, grant);
  expect((await a.call.accepted(grant, commit)).kind).toBe("accepted");
  await expect.poll(() => readFileSync(join(folder.workspace, "f"), "utf8")).toBe("2\n");

  const second = await a.call.grant();
  const mirror = folder.mirror("ship-0");
  mkdirSync(mirror, { recursive: true });
  writeFileSync(join(mirror, ".gitattributes"), attributes[".gitattributes"]);
  writeFileSync(join(mirror, "f"), "3\n");
  const nested = join(mirror, "sub");
  mkdirSync(nested);
  gitIn(nested, "init", "-q");
  gitIn(nested, "fetch", "-q", source, submodule);
  gitIn(nested, "checkout", "-q", submodule);
  // A status of that repository would run its own filter to compare a touched file. (Settings in our environment reach
  // such a status too.)
  gitIn(nested, "config", "filter.evil.clean", trap);
  writeFileSync(join(nested, "f"), "2\n");
  arm(join(nested, ".git"));
  expect((await helm.fenceShip(id, "ship-0", "vm-ship-0", "test")).lost).toEqual([`refs/lost/2/${second.epoch}`]);
  expect(bare("ls-tree", `refs/lost/2/${second.epoch}`, "sub")).toBe(bare("ls-tree", `v${count}`, "sub"));
  expect(existsSync(springs)).toBe(false);
});

test("a link out of the tree, from a repository or a ship, is a link at the captain: nothing is written or read through it", async () => {
  const outside = join(captain.root, `outside-${count}`);
  mkdirSync(outside);
  writeFileSync(join(outside, "key"), "the captain's\n");
  const { folder } = await sail({ "1": [], "2": [], "3": [] });
  const a = await join_("ship-0");
  const linked = await a.call.grant();
  a.tree.reset(linked.tip);
  symlinkSync(outside, join(a.tree.folder, "d"));
  const commit = a.tree.commit({}, "a link");
  a.tree.push(commit, linked);
  const { tip } = await a.call.accepted(linked, commit);
  await expect.poll(() => linkAt(join(folder.workspace, "d"))).toBe(outside);

  // Where the captain's checkout has the link, the branch goes on with a folder.
  const through = await a.call.grant();
  a.tree.reset(tip);
  rmSync(join(a.tree.folder, "d"));
  mkdirSync(join(a.tree.folder, "d"));
  const second = a.tree.commit({ "d/key": "a ship's\n" }, "a folder");
  a.tree.push(second, through);
  await a.call.accepted(through, second);
  await expect.poll(() => readFileSync(join(folder.workspace, "d", "key"), "utf8")).toBe("a ship's\n");
  expect(readFileSync(join(outside, "key"), "utf8")).toBe("the captain's\n");

  // In this mirror a folder of the branch is the link: what is saved is the link, and nothing behind it.
  const lost = await a.call.grant();
  const mirror = folder.mirror("ship-0");
  mkdirSync(mirror, { recursive: true });
  symlinkSync(outside, join(mirror, "d"));
  expect((await helm.fenceShip(id, "ship-0", "vm-ship-0", "test")).lost).toEqual([`refs/lost/3/${lost.epoch}`]);
  expect(bare("ls-tree", `refs/lost/3/${lost.epoch}`, "d")).toMatch(/^120000 blob/);
});

const linkAt = (path: string) => {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
};

test("a link by which one leaves a mirror through another is put aside while the ship sails, and what is saved of the mirror has the repository's own in its place", async () => {
  const { folder } = await sail({ "1": [], "2": [] });
  const a = await join_("ship-0");
  const first = await a.call.grant();
  a.tree.reset(first.tip);
  symlinkSync("later/../../out", join(a.tree.folder, "odd"));
  const commit = a.tree.commit({}, "an odd link");
  a.tree.push(commit, first);
  await a.call.accepted(first, commit);
  const second = await a.call.grant();
  const mirror = folder.mirror("ship-0");
  mkdirSync(mirror, { recursive: true });
  for (const name of ["odd", "new"]) symlinkSync("later/../../out", join(mirror, name));
  writeFileSync(join(mirror, "work"), "work\n");
  await expect.poll(() => ["odd", "new"].map((name) => linkAt(join(mirror, name)))).toEqual([PUT_ASIDE, PUT_ASIDE]);
  const { lost } = await helm.fenceShip(id, "ship-0", "vm-ship-0", "test");
  expect(lost).toEqual([`refs/lost/2/${second.epoch}`]);
  expect(bare("show", `${lost[0]}:odd`)).toBe("later/../../out");
  expect(bare("ls-tree", "--name-only", lost[0]!).split("\n").sort()).toEqual(["odd", "work"]);
});
