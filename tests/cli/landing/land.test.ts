import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { collectReport } from "../../../cli/report/facts/collect.ts";
import { diff } from "../../../cli/verbs/diff.ts";
import { planNews } from "../../../components/plan-news.ts";
import { knownVoyage } from "../../../lib/watch/known.ts";
import { gitIn } from "../../support/git.ts";
import { makePlan } from "../../support/helm-voyage.ts";
import { listen } from "../../support/spoken.ts";
import { until } from "../../support/until.ts";
import { openSea, type Sea, STACK } from "./sea.ts";

let sea: Sea;
afterEach(() => sea.close());
const BRANCH = `ocaptain/${STACK}`;
const landing = () => JSON.parse(readFileSync(sea.folder.landingFile, "utf8"));

test("a verified voyage is pushed as it is; landing twice is landing once; what is not verified is refused, with the way out", async () => {
  sea = await openSea({ 1: [], 2: ["1"] });
  await expect(sea.lands()).rejects.toMatchObject({ code: "NOTHING_TO_LAND" });
  await sea.does(() => ({ "1.txt": "1\n" }));
  await expect(sea.lands()).rejects.toMatchObject({
    code: "NOT_VERIFIED",
    message: expect.stringMatching(/is not verified: it is sailing, with 1 of 2 tasks accepted$/),
    hint: expect.stringContaining(`ocaptain wait ${STACK}; or ocaptain land ${STACK} --unverified`),
  });
  await sea.does(() => ({ "2.txt": "2\n" }));
  await expect(sea.lands()).rejects.toMatchObject({ code: "NOT_VERIFIED" });
  expect(existsSync(sea.folder.landingFile)).toBe(false);
  const tip = await sea.verifies();

  const dry = await sea.lands({ dryRun: true });
  expect(dry.result).toMatchObject({ outcome: "would", isVerified: true });
  expect(dry.notes.join("\n")).toMatch(
    new RegExp(`${STACK} at ${tip.slice(0, 8)}, verified: 2 tasks, to ${sea.server}\npushes branch ${BRANCH}`),
  );
  expect(sea.branches()).toEqual(["main"]);

  const { result } = await sea.lands();
  expect(result).toMatchObject({ outcome: "pushed", tip, base: "main", heads: [{ branch: BRANCH, head: tip, isNew: true }] });
  expect([sea.at(BRANCH), sea.branches()]).toEqual([tip, ["main", BRANCH]]);
  expect(landing()).toMatchObject({
    remote: sea.server,
    branch: BRANCH,
    base: "main",
    how: "per-task",
    pushed: [{ commit: tip, head: tip }],
  });
  expect(landing()).not.toHaveProperty("pushing");
  const again = await sea.lands();
  expect(again.result).toMatchObject({ outcome: "pushed", heads: [{ isNew: false }] });
  expect(landing().pushed).toHaveLength(1);
});

test("a base that has moved on is merged in, and nothing is pushed before verify.sh has succeeded again on a ship", async () => {
  sea = await openSea({ 1: [] });
  const before = await sea.sails();
  const moved = sea.pushes({ "other.txt": "of somebody else\n" });
  const landed = sea.lands();
  const failed = landed.catch((error: Error) => error);
  await until("the base is merged in", async () => sea.tip() !== before);
  expect(gitIn(sea.folder.repo, "rev-parse", `${sea.tip()}^1`, `${sea.tip()}^2`).split("\n")).toEqual([before, moved]);
  expect(sea.branches()).toEqual(["main"]);
  await sea.verifies(1, "it is broken\n");
  expect(await failed).toMatchObject({ code: "VERIFY_FAILED", message: expect.stringContaining("it is broken") });
  expect(sea.branches()).toEqual(["main"]);
  await expect(sea.lands()).rejects.toMatchObject({
    code: "NOT_VERIFIED",
    message: expect.stringContaining("verify.sh has failed"),
  });

  await sea.helm.retryVerification("abc123");
  const next = sea.lands();
  const tip = await sea.verifies();
  expect((await next).result).toMatchObject({ outcome: "pushed", tip, isVerified: true, merged: null });
  expect(sea.at(BRANCH)).toBe(tip);
  expect(gitIn(sea.server, "show", `${BRANCH}:other.txt`)).toBe("of somebody else");

  // What somebody else has changed is not the voyage's, for who looks at it.
  const heard = listen(true);
  await diff(STACK, {}, heard.io);
  expect(heard.json()).toMatchObject({ from: moved, to: tip, files: [{ path: "1.txt" }] });
  const { delivery } = await collectReport(await knownVoyage(STACK));
  expect(delivery).toMatchObject({ base: moved, change: { files: 1, insertions: 1, deletions: 0 } });
});

test("a conflict with the base is one task for the fleet, with both sides in its text; its commit is a merge, and the next landing goes on", async () => {
  sea = await openSea({ 1: [] }, { files: { "same.txt": "start\n" } });
  await sea.does(() => ({ "same.txt": "the voyage's\n" }));
  const tip = await sea.verifies();
  const moved = sea.pushes({ "same.txt": "somebody else's\n", "other.txt": "new\n" });
  const refused = {
    code: "CONFLICT",
    message: expect.stringMatching(
      /in conflict with voyage-quay in same\.txt; nothing was pushed\. Task 900001 was given to the fleet/,
    ),
  };
  await expect(sea.lands()).rejects.toMatchObject(refused);
  await expect(sea.lands()).rejects.toMatchObject({ code: "NOT_VERIFIED" });
  expect([sea.tip(), sea.branches()]).toEqual([tip, ["main"]]);
  expect(landing().fixes).toMatchObject([{ signature: `conflict:${moved}`, task: "900001", round: 1 }]);

  // The preview of an up, which has the plan alone, names it.
  const news = "Tasks that were added beside the plan, and go on: 900001";
  expect(await planNews(STACK, makePlan({ 1: [] }, { verify: "exit 0\n" }))).toBe(news);

  const grant = await sea.call.grant();
  expect(grant.task.description).toMatch(
    /- same\.txt\n[\s\S]*Change same\.txt other\.txt[\s\S]*<{7} .*\nthe voyage's\n={7}\nsomebody else's\n>{7}/,
  );
  expect(grant.task.metadata.merges).toBe(moved);
  sea.tree.reset(grant.tip);
  const settled = { "same.txt": "both\n", "other.txt": "new\n" };
  const check = { check: { exitCode: 0, output: "" } };
  // A commit without the base's history would undo what is there when it lands.
  const without = sea.tree.commit(settled, "Without it");
  sea.tree.push(without, grant);
  expect(await sea.call.accept(grant, without, check)).toMatchObject({
    ...{ status: 409, body: { error: "unknown-commit", message: expect.stringContaining(`does not hold ${moved}`) } },
  });
  sea.tree.reset(grant.tip);
  sea.tree.git("fetch", "-q", sea.tree.remote, `refs/landing/${moved}`);
  sea.tree.git("merge", "-q", "-s", "ours", "--no-commit", moved);
  const merged = sea.tree.commit(settled, "With it");
  sea.tree.push(merged, grant);
  await sea.call.accepted(grant, merged, check);
  expect(gitIn(sea.folder.repo, "rev-parse", `${sea.tip()}^1`, `${sea.tip()}^2`).split("\n")).toEqual([tip, moved]);
  expect(gitIn(sea.folder.repo, "log", "-1", "--format=%(trailers:key=Task,valueonly)", sea.tip())).toBe("900001");

  const landed = sea.lands();
  await sea.verifies();
  expect((await landed).result).toMatchObject({ outcome: "pushed", isVerified: true });
  expect(sea.at(BRANCH)).toBe(sea.tip());
  expect((await sea.helm.voyage("abc123")).tasks.map(({ id }) => id)).toEqual(["1", "900001"]);
});

test("--no-update leaves the base alone; --squash is one commit on what the voyage holds of it, the same each time", async () => {
  sea = await openSea({ 1: [], 2: [] });
  const start = sea.at("main");
  const tip = await sea.sails();
  sea.pushes({ "other.txt": "of somebody else\n" });
  await sea.lands({ update: false });
  expect([sea.at(BRANCH), sea.tip()]).toEqual([tip, tip]);
  const { result } = await sea.lands({ update: false, squash: true });
  const [commit] = result!.heads.map(({ head }) => head);
  expect(sea.at(BRANCH)).toBe(commit);
  expect(gitIn(sea.server, "log", "--format=%P %T", "-1", BRANCH)).toBe(
    `${start} ${gitIn(sea.folder.repo, "rev-parse", `${tip}^{tree}`)}`,
  );
  expect(gitIn(sea.server, "log", "--format=%B", "-1", BRANCH)).toMatch(
    /- Do 1 \(task 1\)\n- Do 2 \(task 2\)\n\nVoyage: abc123$/,
  );
  // What was landed before says how, and where.
  expect((await sea.lands({ update: false })).result).toMatchObject({ how: "squash", heads: [{ head: commit, isNew: false }] });
});

test("--stack is a branch for each wave of the graph, each on the one before; the last one is what was verified", async () => {
  sea = await openSea({ 1: [], 2: ["1"], 3: [] });
  await sea.does(() => ({ "1.txt": "1\n" }));
  await sea.does((task) => ({ [`${task}.txt`]: `${task}\n` }));
  await sea.does((task) => ({ [`${task}.txt`]: `${task}\n` }));
  const tip = await sea.verifies();
  const { result } = await sea.lands({ stack: true });
  expect(result!.heads.map(({ branch, base, tasks }) => [branch, base, [...tasks!].sort()])).toEqual([
    [`${BRANCH}/1`, "main", ["1", "3"]],
    [`${BRANCH}/2`, `${BRANCH}/1`, ["2"]],
  ]);
  expect(gitIn(sea.server, "rev-parse", `${BRANCH}/2^{tree}`)).toBe(gitIn(sea.folder.repo, "rev-parse", `${tip}^{tree}`));
  expect(gitIn(sea.server, "ls-tree", "--name-only", `${BRANCH}/1`).split("\n")).toEqual(["1.txt", "3.txt", "README.md"]);
  expect(
    gitIn(sea.server, "log", "--format=%(trailers:key=Task,valueonly,separator=%x2C)", `main..${BRANCH}/2`).split("\n")[0],
  ).toBe("2");
  expect((await sea.lands({ stack: true })).result!.heads.map(({ isNew }) => isNew)).toEqual([false, false]);
  await expect(sea.lands({ perTask: true })).rejects.toMatchObject({
    code: "BRANCH",
    hint: expect.stringContaining("--branch NAME"),
  });
});

test("a stack whose waves cannot be told apart is refused, with the way out", async () => {
  sea = await openSea({ 1: [], 2: ["1"], 3: [] });
  await sea.does(() => ({ "same.txt": "1\n" }));
  await sea.does((task) => ({ "same.txt": `1\n${task}\n` }));
  await sea.does((task) => ({ "same.txt": `1\n2\n${task}\n` }));
  await sea.verifies();
  await expect(sea.lands({ stack: true })).rejects.toMatchObject({
    code: "STACK",
    message: expect.stringMatching(/task 3 was done on top of tasks of later waves.* in conflict in same\.txt/),
    hint: expect.stringContaining("--per-task"),
  });
  expect(sea.branches()).toEqual(["main"]);
});

test("a branch on which somebody else has worked is left alone, and their commits are named; a push that nobody saw end is ours", async () => {
  sea = await openSea({ 1: [], 2: [] });
  await sea.does(() => ({ "1.txt": "1\n" }));
  await sea.lands({ unverified: true, squash: true });
  const first = sea.at(BRANCH);
  const theirs = sea.pushes({ "fix.txt": "a reviewer's\n" }, BRANCH);
  await sea.does(() => ({ "2.txt": "2\n" }));
  await expect(sea.lands({ unverified: true })).rejects.toMatchObject({
    code: "NOT_OURS",
    message: expect.stringMatching(
      /holds what the voyage has not, and nothing was pushed:\n {4}\| [0-9a-f]+ Change fix\.txt, by t$/,
    ),
    hint: expect.stringContaining("--branch NAME"),
  });
  expect(sea.at(BRANCH)).toBe(theirs);
  gitIn(sea.server, "update-ref", `refs/heads/${BRANCH}`, first);
  // As after a death between the push and its note.
  writeFileSync(sea.folder.landingFile, JSON.stringify({ ...landing(), pushed: [], pushing: [{ branch: BRANCH, head: first }] }));
  const { result } = await sea.lands({ unverified: true });
  expect(sea.at(BRANCH)).toBe(result!.heads[0]!.head);
  expect(result!.heads[0]!.head).not.toBe(first);
});

test("neither the captain's hooks nor the repository's run; where the voyage came from a person's own folder, it gets a branch", async () => {
  sea = await openSea({ 1: [] });
  const tip = await sea.sails();
  const ran = join(sea.root, "ran");
  const hooks = join(sea.root, "hooks");
  gitIn(sea.root, "init", "-q", "hooks");
  for (const folder of [hooks, join(sea.work, ".git/hooks"), join(sea.folder.repo, "hooks")])
    for (const hook of ["pre-push", "reference-transaction", "pre-receive", "update", "post-receive", "post-update"]) {
      gitIn(sea.root, "init", "-q", "hooks");
      const file = join(folder, hook);
      if (!existsSync(folder)) continue;
      writeFileSync(file, `#!/bin/sh\necho ${hook} >> ${ran}\n`);
      chmodSync(file, 0o755);
    }
  writeFileSync(
    process.env.GIT_CONFIG_GLOBAL!,
    `[core]\n\thooksPath = ${hooks}\n[push]\n\tpushOption = planted\n\tfollowTags = true\n`,
  );
  gitIn(sea.work, "remote", "remove", "origin");
  sea.say(sea.work);
  const head = gitIn(sea.work, "rev-parse", "HEAD");
  const { result, notes } = await sea.lands();
  expect(notes.join("\n")).toContain(`to the repository in ${sea.work}, as a branch`);
  expect(result).toMatchObject({ outcome: "pushed", heads: [{ isNew: true }] });
  expect(gitIn(sea.work, "rev-parse", BRANCH, "HEAD").split("\n")).toEqual([tip, head]);
  expect(existsSync(ran)).toBe(false);
  gitIn(sea.work, "-c", "core.hooksPath=/dev/null", "checkout", "-q", BRANCH);
  gitIn(
    sea.folder.repo,
    "update-ref",
    `refs/heads/${STACK}`,
    gitIn(sea.folder.repo, "commit-tree", `${tip}^{tree}`, "-p", tip, "-m", "more"),
  );
  await expect(sea.lands({ unverified: true })).rejects.toMatchObject({
    code: "PUSH",
    message: expect.stringContaining("is checked out in"),
  });

  // The folder's own origin is where a person would push to.
  gitIn(sea.work, "remote", "add", "origin", "shore:server.git");
  gitIn(sea.work, "config", `url.${sea.root}/.insteadOf`, "shore:");
  await sea.lands({ unverified: true });
  expect(sea.at(BRANCH)).toBe(sea.tip());
  expect(existsSync(ran)).toBe(false);
});

test("a secret that a ship has committed is not pushed, also where it is gone again; a false alarm is let through by name", async () => {
  sea = await openSea({ 1: [], 2: ["1"] });
  const token = `ghp_${"a1B2c3D4e5F6g7H8i9J0".repeat(2).slice(0, 36)}`;
  await sea.does(() => ({ "1.txt": `1\n`, ".env": `GH_TOKEN=${token}\n` }));
  await sea.does(() => ({ "2.txt": "2\n", ".env": "\n" }));
  await sea.verifies();
  const refused = await sea.lands().catch((error: { message: string; hint: string }) => error);
  expect(refused).toMatchObject({
    code: "NOT_TO_LEAVE",
    message: expect.stringMatching(
      /nothing was pushed.*\n {2}- \.env:1: what looks like a secret \(github: .*\) \(task #1 by ship-0; [0-9a-f]{16}\)/,
    ),
  });
  expect(JSON.stringify(refused)).not.toContain(token);
  expect(sea.branches()).toEqual(["main"]);
  const allowSecret = /--allow-secret ([0-9a-f]{16})/.exec((refused as { hint: string }).hint)!.slice(1);
  expect((await sea.lands({ allowSecret })).result).toMatchObject({ outcome: "pushed" });
  // One commit has nothing of what is not there in the end.
  expect((await sea.lands({ squash: true, branch: "one" })).result).toMatchObject({ outcome: "pushed" });
});
