import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readAgentsGit } from "../../crew/tree/agents-git.ts";
import { whyHeadMoved } from "../../crew/tree/head-check.ts";
import { gitIn } from "../support/git.ts";
import { tempFolder } from "../support/test-ship.ts";

describe("work of others that we have merged into the tree", () => {
  let folder: string;
  const git = (...args: string[]) => gitIn(folder, ...args);
  const run = async (args: string[]) => git(...args);
  const agent = () => readAgentsGit(folder)!;
  const commit = (file: string) => {
    writeFileSync(join(folder, file), `${file}\n`);
    git("add", "--all");
    git("commit", "--quiet", "-m", file);
    return git("rev-parse", "HEAD");
  };
  let offered: string;
  let moved: string;
  beforeEach(() => {
    folder = tempFolder();
    git("init", "--quiet", "--initial-branch=ship-0");
    commit("base");
    git("branch", "voyage");
    offered = commit("mine");
    git("checkout", "--quiet", "voyage");
    moved = commit("theirs");
    git("checkout", "--quiet", "--detach", offered);
    git("merge", "--quiet", "--no-commit", "--no-ff", moved);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const why = (...parents: string[]) => whyHeadMoved(run, agent(), parents);

  test("counts as held while the merge is under way, and when the hand has committed it", async () => {
    expect(await why(offered, moved)).toBeNull();
    git("commit", "--quiet", "-m", "merged");
    expect(await why(offered, moved)).toBeNull();
  });

  test.each([
    ["merge", "--abort"],
    ["reset", "--quiet", "--hard"],
    ["stash", "--quiet"],
  ])("is not held after git %s %s", async (...putsAway) => {
    git(...putsAway);
    expect(await why(offered, moved)).toContain(`git merge --no-edit --allow-unrelated-histories ${moved}\n`);
  });

  test("what a hand is still merging by itself does not stand in for the commit that it began from", async () => {
    expect(await why(moved)).toContain(moved.slice(0, 10));
  });
});
