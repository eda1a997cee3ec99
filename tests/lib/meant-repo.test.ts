import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readSource } from "../../lib/git/voyage-repo.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { meantRepo } from "../../lib/plan/repo.ts";
import { formatFindings } from "../support/findings.ts";
import { writeRepo } from "../support/plan.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "meant-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

test.each([
  ["octocat/Hello-World", "https://github.com/octocat/Hello-World"],
  ["octocat/Hello-World.git", "https://github.com/octocat/Hello-World"],
  ["https://example.org/a/b.git", "https://example.org/a/b.git"],
  ["ssh://git@example.org/a/b", "ssh://git@example.org/a/b"],
  ["git@github.com:a/b.git", "git@github.com:a/b.git"],
  ["/srv/git/a.git", "/srv/git/a.git"],
  ["~/code/a", "~/code/a"],
])("%s is %s wherever it stands", (text, repo) => expect(meantRepo(text, "/anywhere")).toEqual({ repo }));

test("GH_HOST is the GitHub of owner/name, as it is of GH_TOKEN", () => {
  vi.stubEnv("GH_HOST", "git.example.com");
  expect(meantRepo("a/b", "/")).toEqual({ repo: "https://git.example.com/a/b" });
});

test.each(["repo", "a/b/c", "../x/..:y", "-x/y", "a/..", "a b/c"])("%s is nothing that can be cloned, or a path", (text) => {
  const meant = meantRepo(text, "/anywhere");
  if ("repo" in meant) expect(meant.repo).toMatch(/^\.\.\//);
  else expect(meant.problem).toBe("must be a URL, owner/name on GitHub, or a path that begins with ./, ../, / or ~");
});

test("a path without its ./ is asked for, where there is such a folder", async () => {
  await mkdir(join(root, "code"));
  expect(meantRepo("code", root)).toMatchObject({ problem: expect.stringMatching(/; did you mean \.\/code\?$/) });
});

test("a relative path counts from the file's folder, and is written from the project's: no absolute path, never owner/name", async () => {
  expect(meantRepo("../code", root)).toEqual({ repo: relative(process.cwd(), resolve(root, "../code")) });
  expect(meantRepo("./b", resolve("a"))).toEqual({ repo: "./a/b" });
  expect(meantRepo(".", resolve("plans/survey"))).toEqual({ repo: "." });
});

test("~ is the home folder when the repository is read", async () => {
  vi.stubEnv("HOME", root);
  expect(homedir()).toBe(root);
  await writeRepo(join(root, "code"));
  expect(await readSource("~/code")).toMatchObject({ path: join(root, "code"), refs: expect.any(Map) });
});

/** Writes a plan in a folder of somebody's own repository, as the prior art's skill puts it there. */
async function planIn(folder: string, repo?: string): Promise<string> {
  const plan = join(folder, ".claude", "plans", "mine");
  await mkdir(join(plan, "tasks"), { recursive: true });
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "mine", repo }));
  await writeFile(join(plan, "spec.md"), "# Mine");
  await writeFile(join(plan, "tasks", "1.json"), JSON.stringify({ id: "1", title: "t", description: "d" }));
  return plan;
}

test.each([["."], ["../../.."], [undefined]])(
  "repo %s of a plan in somebody's own repository is that repository",
  async (repo) => {
    const own = await writeRepo(join(root, "own"));
    const loaded = await loadPlan(await planIn(own, repo));
    if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
    expect(loaded.plan.repo).toBe(relative(process.cwd(), own));
    expect(await readSource(loaded.plan.repo)).toMatchObject({ path: own });
  },
);

test("a plan that lies in no repository must name one", async () => {
  const plan = await planIn(root);
  const found = async () => {
    const loaded = await loadPlan(plan);
    return "findings" in loaded ? formatFindings(loaded.findings) : "";
  };
  expect(await found()).toBe(`voyage.json repo: is missing, ocaptain:repo is not set, and ${plan} lies in no repository`);
  await planIn(root, ".");
  expect(await found()).toMatch(
    /^voyage\.json repo: is "\.", the repository that \S+ lies in, and it lies in none: a URL, owner/,
  );
});
