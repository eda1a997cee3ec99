import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBranch } from "../../helm/repository/branch.ts";
import { type VoyageFolder, voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { removeStaleLocks } from "../../lib/git/stale-locks.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import { gitIn } from "../support/git.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";

/**
 * These tests are of what a git that was killed leaves in the captain's repository, and of answers of git that are
 * none.
 */
const ID = "abc123";
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let folder: VoyageFolder;
let git: ChildProcess | undefined;

beforeEach(async () => {
  captain = await makeCaptain();
  folder = voyageFolder("v");
});
afterEach(async () => {
  git?.kill("SIGKILL");
  git = undefined;
  await stopHelm();
  captain.remove();
});

const prepare = () => prepareRepo({ folder, repo: makeSource(captain.root), branch: "v" });
/** Puts a lock there. @param secondsOld the age of the lock: a git that began before it may have made it */
function lock(path: string, secondsOld = 10): string {
  const file = join(folder.repo, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "");
  utimesSync(file, new Date(Date.now() - secondsOld * 1000), new Date(Date.now() - secondsOld * 1000));
  return file;
}

test.each([
  "refs/heads/v.lock",
  "HEAD.lock",
  "packed-refs.lock",
  "config.lock",
  "shallow.lock",
  "refs/ships/ship-0/1-1.lock",
  "objects/info/commit-graph.lock",
])("%s of a git that is gone is removed, and no other file", async (path) => {
  await prepare();
  const stale = lock(path);
  writeFileSync(join(folder.repo, "description.locked"), "");
  expect(await removeStaleLocks(folder.repo)).toEqual({ removed: [stale], held: [] });
  expect(existsSync(join(folder.repo, "description.locked"))).toBe(true);
  expect(gitIn(folder.workspace, "--git-dir", folder.repo, "rev-parse", "v")).toMatch(/^[0-9a-f]{40}$/);
});

test("a lock that a git at work in the repository may hold stays; one that is older than that git goes", async () => {
  await prepare();
  // This git waits for its input, as a receive-pack does for a slow push.
  git = spawn("git", ["--git-dir", folder.repo, "hash-object", "--stdin"], { stdio: ["pipe", "ignore", "ignore"] });
  await once(git, "spawn");
  const [fresh, old] = [lock("HEAD.lock", 0), lock("config.lock", 3600)];
  expect(await removeStaleLocks(folder.repo)).toEqual({ removed: [old], held: [fresh] });
  git.stdin!.end();
  await once(git, "exit");
  expect(await removeStaleLocks(folder.repo)).toEqual({ removed: [fresh], held: [] });
});

test("a lock of the captain's own git stays, wherever that was started and however it names the repository", async () => {
  await prepare();
  const begin = async (cwd: string, ...args: string[]) => {
    git = spawn("git", args, { cwd, env: { PATH: process.env.PATH }, stdio: ["pipe", "ignore", "ignore"] });
    await once(git, "spawn");
  };
  const index = join(folder.workspace, ".git", "index.lock");
  await begin(folder.workspace, "update-index", "--stdin");
  await expect.poll(() => existsSync(index)).toBe(true);
  expect(await removeStaleLocks(join(folder.workspace, ".git"), { refs: "heads" })).toEqual({ removed: [], held: [index] });
  git!.kill("SIGKILL");
  await once(git!, "exit");

  await begin(dirname(folder.repo), "--git-dir", basename(folder.repo), "hash-object", "--stdin");
  const held = lock("HEAD.lock", 0);
  expect(await removeStaleLocks(folder.repo)).toEqual({ removed: [], held: [held] });
});

async function sail(): Promise<{ helm: HelmClient; register: Parameters<HelmClient["registerVoyage"]>[1] }> {
  const helm = await ensureHelm();
  const { register } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [], "2": [] }));
  await helm.registerVoyage(ID, register);
  return { helm, register };
}
async function come(helm: HelmClient) {
  const { token } = await helm.registerShip(ID, "ship-0", "vm-0");
  const calls = ship(captain.url, token, "vm-0");
  await calls.hello();
  return { calls, tree: makeTree(captain.root, captain.url, ID, "ship-0", token) };
}

test("an accept meets a stale lock on the branch: it is removed and the task accepted at once", async () => {
  const { helm } = await sail();
  const { calls, tree } = await come(helm);
  const grant = await calls.grant();
  tree.reset(grant.tip);
  const commit = tree.commit({ one: "1" }, "one");
  tree.push(commit, grant);
  lock("refs/heads/v.lock");
  expect(await calls.accepted(grant, commit)).toMatchObject({ kind: "accepted" });
  expect((await helm.voyage(ID)).trouble).toBeUndefined();
});

test("what cannot be removed is trouble that status and a registration name; no try is lost, nothing is granted, and it ends by itself", async () => {
  const { helm, register } = await sail();
  const { calls, tree } = await come(helm);
  const grant = await calls.grant();
  tree.reset(grant.tip);
  const commit = tree.commit({ one: "1" }, "one");
  tree.push(commit, grant);
  git = spawn("git", ["--git-dir", folder.repo, "hash-object", "--stdin"], { stdio: ["pipe", "ignore", "ignore"] });
  await once(git, "spawn");
  const held = lock("refs/heads/v.lock", 0);
  expect((await calls.accept(grant, commit)).status).toBe(500);
  expect((await helm.voyage(ID)).trouble).toContain(held);
  await expect(helm.registerVoyage(ID, register)).rejects.toMatchObject({ message: expect.stringContaining(held) });
  await calls.release(grant, false, "the helm did not answer");
  expect(await calls.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  expect((await helm.voyage(ID)).tasks[0]).toMatchObject({ status: "pending", tries: 0 });

  git.kill();
  await expect.poll(async () => (await helm.voyage(ID)).trouble).toBeUndefined();
  const again = await calls.grant();
  tree.reset(again.tip);
  const anew = tree.commit({ one: "1" }, "one");
  tree.push(anew, again);
  expect(await calls.accepted(again, anew)).toMatchObject({ kind: "accepted" });
});

test("a helm that starts removes what an earlier one's git has left, in the repository and in the checkout", async () => {
  const { helm } = await sail();
  await helm.shutdown();
  const files = [lock("refs/heads/v.lock"), lock("packed-refs.lock"), join(folder.workspace, ".git/index.lock")];
  writeFileSync(files[2]!, "");
  await expect
    .poll(async () =>
      helm.health().then(
        () => "up",
        () => "down",
      ),
    )
    .toBe("down");
  await ensureHelm();
  expect(files.filter((file) => existsSync(file))).toEqual([]);
});

test("whether the branch holds a commit is decided by a clear answer alone: a repository that git cannot read gives none", async () => {
  const { tip } = await prepare();
  const branch = openBranch(folder, "v", ID);
  expect(await branch.holds(tip)).toBe(true);
  expect(await branch.holds("1".repeat(40))).toBe(false);
  renameSync(join(folder.repo, "HEAD"), join(folder.repo, "HEAD.away"));
  await expect(branch.holds(tip)).rejects.toMatchObject({ code: "GIT" });
  await expect(branch.move(tip, tip)).rejects.toMatchObject({ code: "GIT" });
  await expect(branch.tip()).rejects.toMatchObject({ code: "GIT" });
  renameSync(join(folder.repo, "HEAD.away"), join(folder.repo, "HEAD"));
  expect(await branch.holds(tip)).toBe(true);
});

test("a branch that cannot be read is not made anew from the source", async () => {
  await prepare();
  const file = join(folder.repo, "refs/heads/v");
  const kept = readFileSync(file, "utf8");
  writeFileSync(file, "");
  await expect(prepare()).rejects.toMatchObject({ code: "GIT", message: expect.stringContaining("cannot be read") });
  expect(readFileSync(file, "utf8")).toBe("");
  writeFileSync(file, kept);
  expect((await prepare()).tip).toBe(kept.trim());
});

test("a ship's push that is no commit, or has no history in common with the branch, is refused as unknown, and is no trouble", async () => {
  const { helm } = await sail();
  const { calls, tree } = await come(helm);
  const grant = await calls.grant();
  tree.reset(grant.tip);
  const orphan = tree.git("commit-tree", `${grant.tip}^{tree}`, "-m", "from nowhere");
  tree.push(orphan, grant);
  expect(await calls.accept(grant, orphan)).toMatchObject({ status: 409, body: { error: "unknown-commit" } });
  const blob = tree.git("hash-object", "-w", "README.md");
  tree.push(blob, grant);
  expect(await calls.accept(grant, blob)).toMatchObject({ status: 409, body: { error: "unknown-commit" } });
  expect((await helm.voyage(ID)).trouble).toBeUndefined();
});
