import { existsSync } from "node:fs";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ledger } from "../../helm/ledger/ledger.ts";
import { applyPlan } from "../../helm/ledger/plan-changes.ts";
import { Store } from "../../helm/ledger/store.ts";
import { writeRepo } from "../support/plan.ts";
import { failure } from "../support/voyage/resource.ts";
import { type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

let quay: OpenVoyage;
beforeEach(async () => {
  quay = await openVoyage();
});
afterEach(() => quay.close());

const tip = () => quay.git("rev-parse", quay.stack);
/** Puts one more commit on the voyage's branch, as an accepted task does. */
async function deliver(message = "delivered"): Promise<string> {
  const author = { GIT_AUTHOR_NAME: "s", GIT_AUTHOR_EMAIL: "s@x", GIT_COMMITTER_NAME: "s", GIT_COMMITTER_EMAIL: "s@x" };
  const env = { ...author, GIT_DIR: quay.folder.repo };
  const { stdout } = await execa("git", ["commit-tree", `${await tip()}^{tree}`, "-p", await tip(), "-m", message], { env });
  await quay.git("update-ref", `refs/heads/${quay.stack}`, stdout);
  return stdout;
}

/** Has the ledger call task 1 accepted. */
async function accept(commit: string): Promise<void> {
  const ledger = new Ledger(new Store(quay.folder.ledger), () => 0);
  await ledger.store.write(() => {
    ledger.setMeta("name", quay.plan.name);
    applyPlan(ledger, quay.plan);
    ledger.store.run("UPDATE tasks SET status = 'accepted', epoch = 1, commit_id = ? WHERE id = '1'", commit);
  });
  ledger.store.close();
}

const commitIn = (cwd: string, ...args: string[]) =>
  execa("git", ["-c", "user.name=C", "-c", "user.email=c@x", "commit", "-q", ...args], { cwd });

test("the captain's folder: a bare repository with the voyage's branch, a checkout, the plan's artifacts", async () => {
  expect(await quay.workspace.create()).toMatchObject({ branch: quay.stack, present: true });
  expect(await quay.git("log", "--format=%s", quay.stack)).toBe("Start");
  expect(await readFile(join(quay.folder.workspace, "README.md"), "utf8")).toBe("# A repository\n");
  expect(await readFile(join(quay.folder.artifacts, "spec.md"), "utf8")).toBe(quay.plan.spec);
  expect((await stat(join(quay.folder.artifacts, "verify.sh"))).mode & 0o777).toBe(0o755);
});

test("created again, or updated, what was delivered stays", async () => {
  const outs = await quay.workspace.create();
  const delivered = await deliver();
  expect(await quay.workspace.create()).toEqual(outs);
  await quay.workspace.update(outs, await quay.keep({ ...quay.plan, spec: "# Another spec\n", verify: null }));
  expect(await tip()).toBe(delivered);
  expect(await readFile(join(quay.folder.artifacts, "spec.md"), "utf8")).toBe("# Another spec\n");
  expect(existsSync(join(quay.folder.artifacts, "verify.sh"))).toBe(false);
});

test("state of an earlier version has the texts of spec.md and verify.sh: the same texts are no change, others are", async () => {
  const { textsDigest: _, ...rest } = await quay.workspace.create();
  const { spec, verify } = quay.plan;
  expect((await quay.workspace.diff({ ...rest, spec, verify })).changes).toBe(false);
  expect((await quay.workspace.diff({ ...rest, spec, verify: null })).changes).toBe(true);
});

test.each(["repo", "workspace"] as const)("%s lost: read says so and makes nothing; up makes it again", async (part) => {
  const outs = await quay.workspace.create();
  expect(await quay.workspace.read(outs)).toEqual(outs);
  await rm(quay.folder[part], { recursive: true });
  const seen = await quay.workspace.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  expect(existsSync(quay.folder[part])).toBe(false);
  expect((await quay.workspace.diff(seen!)).changes).toBe(true);
  expect(await quay.workspace.update(seen!)).toEqual(outs);
  expect(await quay.git("log", "--format=%s", quay.stack)).toBe("Start");
});

test("a clone that was cut off is not taken for whole", async () => {
  const cutOff = `${quay.folder.root}/.repo.git.clone-dead`;
  await writeFile(cutOff, "");
  await quay.workspace.create();
  expect(existsSync(cutOff)).toBe(false);
  expect(await quay.git("log", "--format=%s", quay.stack)).toBe("Start");
});

test("a repository that cannot be read is named, and nothing half is left", async () => {
  await expect(quay.workspace.create({ repo: `${quay.repo}-nowhere` })).rejects.toThrow(
    /repository ".*-nowhere" cannot be read: there is no such folder.*hint: correct ocaptain:repo/s,
  );
  expect(existsSync(quay.folder.repo)).toBe(false);
});

test("another repository is refused, and nothing of the voyage is another; one that has moved is the same, and from then on needs to be nowhere", async () => {
  const outs = await quay.workspace.create();
  const delivered = await deliver();
  const other = await writeRepo(`${quay.repo}-other`);
  await commitIn(other, "--amend", "-m", "Another");
  await expect(quay.workspace.update(outs, { repo: other })).rejects.toThrow(
    new RegExp(
      `voyage ${quay.voyageId} .*works on "${quay.repo}", whose history begins with [0-9a-f]{12}; named now is "${other}", which has no commit in common with it\\n {2}hint: another stack: .*ocaptain:repo ${quay.repo} .*ocaptain:beginAnew ${quay.voyageId}`,
    ),
  );
  await expect(quay.workspace.update(outs, { repo: "" })).rejects.toThrow("named now is none");
  await expect(quay.workspace.update(outs, { base: "main" })).rejects.toThrow(
    /has begun from its repository's HEAD, and ocaptain:base is "main" now/,
  );
  expect(await tip()).toBe(delivered);

  // The repository was moved and has changed since, so none of its branches is where the voyage's repository knows it.
  const moved = `${quay.repo}-moved`;
  await rename(quay.repo, moved);
  await expect(quay.workspace.update(outs, { repo: `${quay.repo}-nowhere` })).rejects.toThrow(/cannot be read/);
  await commitIn(moved, "--allow-empty", "-m", "Later");
  const at = await quay.workspace.update(outs, { repo: moved });
  await rm(moved, { recursive: true });
  expect(
    await quay.workspace.update(at, { repo: moved, ...(await quay.keep({ ...quay.plan, spec: "# Another spec\n" })) }),
  ).toMatchObject({ repo: moved });
  expect(await tip()).toBe(delivered);
});

test("the repository lost with accepted work: it is not made anew, for the ledger would be believed, neither here nor at the helm", async () => {
  const outs = await quay.workspace.create();
  await accept("1".repeat(40));
  await expect(quay.helm.create()).rejects.toThrow(/calls tasks accepted whose commits \S+repo\.git does not have: 1\n/);
  await rm(quay.folder.repo, { recursive: true });
  const seen = await quay.workspace.read(outs);
  await expect(quay.workspace.update(seen!)).rejects.toThrow(/the commits of 1 accepted tasks[\s\S]*git clone --bare/);
  expect(existsSync(quay.folder.repo)).toBe(false);
});

test("the branch lost with accepted work: it is not begun anew; what is said brings it back", async () => {
  const outs = await quay.workspace.create();
  const delivered = await deliver();
  await accept(delivered);
  await quay.git("update-ref", "-d", `refs/heads/${quay.stack}`);
  const seen = await quay.workspace.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  const { message } = await failure(quay.workspace.update(seen!));
  expect(message).toMatch(/has no branch quay any more, on which were 1 accepted tasks/);
  await execa("sh", ["-c", /: (git --git-dir [^;]*);/.exec(message)![1]!]);
  expect(await quay.workspace.update(seen!)).toEqual(outs);
  expect(await tip()).toBe(delivered);
});

test("the ledger lost with work on the branch: the helm begins no other, which would give that work out again; a destroy goes on", async () => {
  await quay.workspace.create();
  await deliver(`Task 1\n\nTask: 1\nShip: ship-0\nVoyage: 000000`); // This commit is of a voyage before this one.
  const helm = await quay.helm.create();
  await quay.helm.remove(helm);
  await rm(dirname(quay.folder.ledger), { recursive: true });
  await deliver(`Task 1\n\nTask: 1\nShip: ship-0\nVoyage: ${quay.voyageId}`);
  await expect(quay.helm.create()).rejects.toThrow(
    new RegExp(
      `ledger.sqlite is not there, the ledger of voyage ${quay.voyageId}[\\s\\S]*ocaptain:beginAnew ${quay.voyageId} -s quay`,
    ),
  );
  expect(existsSync(quay.folder.ledger)).toBe(false);
  await quay.helm.remove(helm);
  await quay.muster.remove(quay.mustered);
});

test("delete leaves the captain's folder, and is quiet the second time", async () => {
  const outs = await quay.workspace.create();
  const delivered = await deliver();
  await quay.workspace.remove(outs);
  await quay.workspace.remove(outs);
  expect(await tip()).toBe(delivered);
});

test("another voyage is another workspace: replaced, the old one deleted first; another repository is not", async () => {
  const outs = await quay.workspace.create();
  expect(await quay.workspace.diff(outs, { voyageId: "000000" })).toMatchObject({
    replaces: ["voyageId"],
    deleteBeforeReplace: true,
  });
  expect(await quay.workspace.diff(outs, { repo: "elsewhere" })).toMatchObject({ changes: true, replaces: [] });
});
