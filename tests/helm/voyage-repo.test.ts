import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { voyageFolderAt } from "../../lib/base/paths.ts";
import { BaseName, baseProblem, begunFrom } from "../../lib/git/base.ts";
import { tokenConfig } from "../../lib/git/server-token.ts";
import { sourceProblems } from "../../lib/git/source-problems.ts";
import { prepareRepo, readSource } from "../../lib/git/voyage-repo.ts";
import { gitIn } from "../support/git.ts";
import { makeSource } from "../support/helm-voyage.ts";
import { taskCounts } from "../support/task-counts.ts";

let root: string;
const folder = () => voyageFolderAt(join(root, "v"), "v");
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ocg-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a checkout sails from its committed HEAD; doing it again changes nothing", async () => {
  const source = makeSource(root);
  writeFileSync(join(source, "README.md"), "not committed\n");
  const first = await prepareRepo({ folder: folder(), repo: source, branch: "v" });
  expect(first).toEqual({ branch: "v", tip: gitIn(source, "rev-parse", "HEAD"), local: true });
  expect(readFileSync(join(folder().workspace, "README.md"), "utf8")).toBe("hello\n");
  gitIn(source, "commit", "-q", "-am", "later");
  expect(await prepareRepo({ folder: folder(), repo: source, branch: "v" })).toEqual(first);
  expect(gitIn(folder().workspace, "symbolic-ref", "--short", "HEAD")).toBe("v");
});

test("an empty source gets one empty commit", async () => {
  const source = join(root, "empty");
  mkdirSync(source);
  gitIn(source, "init", "-q");
  expect(await readSource(source)).toMatchObject({ path: source, refs: new Map() });
  const { tip } = await prepareRepo({ folder: folder(), repo: source, branch: "v" });
  expect(gitIn(root, "--git-dir", folder().repo, "log", "--format=%H %s", "v")).toBe(`${tip} An empty start`);
  expect(existsSync(join(folder().workspace, ".git"))).toBe(true);
});

test("a voyage begins from a branch, a tag or a commit, whatever branch of its own name the source has; which it was is kept", async () => {
  const source = makeSource(root);
  const commits = ["one", "two", "three"].map((subject) => {
    gitIn(source, "commit", "-q", "--allow-empty", "-m", subject);
    return gitIn(source, "rev-parse", "HEAD");
  });
  gitIn(source, "branch", "release/1", commits[0]!);
  gitIn(source, "tag", "-a", "-m", "a tag", "v1", commits[1]!);
  gitIn(source, "branch", "v");
  for (const [base, expected] of [
    ["release/1", commits[0]],
    ["refs/heads/release/1", commits[0]],
    ["v1", commits[1]],
    ["refs/tags/v1", commits[1]],
    [commits[1]!.slice(0, 10), commits[1]],
  ] as const) {
    const looked = await readSource(source, { base });
    expect(await baseProblem(source, looked, base, 5_000)).toBeNull();
    const elsewhere = await readSource(`file://${source}`, { base });
    expect(await baseProblem(source, { ...elsewhere, path: undefined }, base, 5_000)).toBeNull();
    const prepare = () => prepareRepo({ folder: folder(), repo: source, branch: "v", base });
    expect(await prepare()).toMatchObject({ branch: "v", tip: expected });
    expect(await prepare()).toMatchObject({ tip: expected });
    expect(await begunFrom(folder().repo)).toBe(base);
    expect(gitIn(folder().workspace, "rev-parse", "HEAD")).toBe(expected);
    rmSync(folder().root, { recursive: true });
  }
});

test("a base that is not there is found before the clone, on this machine and elsewhere; the clone finds it too, and leaves nothing", async () => {
  const source = makeSource(root);
  gitIn(source, "branch", "release");
  gitIn(source, "branch", "both");
  gitIn(source, "tag", "both");
  gitIn(source, "checkout", "-q", "--detach");
  gitIn(source, "commit", "-q", "--allow-empty", "-m", "held by nothing");
  const lost = gitIn(source, "rev-parse", "HEAD");
  gitIn(source, "checkout", "-q", "main");
  for (const [base, words] of [
    ["relaese", /which in repository "\S+" is no branch, no tag, and no commit that one of them holds; did you mean release\?$/],
    ["0123456", /no commit that one of them holds$/],
    [lost, /no commit that one of them holds$/],
    ["both", /is both a branch and a tag$/],
  ] as const) {
    const looked = await readSource(source, { base });
    const found = await baseProblem(source, looked, base, 5_000);
    expect(found?.message).toMatch(words);
    expect(await baseProblem(source, { ...looked, address: `file://${source}`, path: undefined }, base, 5_000)).toEqual(found);
    await expect(prepareRepo({ folder: folder(), repo: source, branch: "v", base })).rejects.toMatchObject({ code: "BASE" });
    expect(readdirSync(folder().root)).toEqual([]);
  }
});

test.each([
  "-x",
  "--upload-pack=touch x",
  "a b",
  "a..b",
  "main~1",
  "main^",
  "a:b",
  "main@{1}",
  "a*",
  "a/",
  "/a",
  "a//b",
  "a/.b",
  "a.lock",
  "refs/pull/1/head",
  "",
  "a\nb",
  "x".repeat(201),
])("%j is no base", (text) => {
  expect(BaseName.safeParse(text).success).toBe(false);
});

test("a half clone is never taken for whole: it is made anew, and its remains go", async () => {
  const source = makeSource(root);
  mkdirSync(join(folder().root, ".repo.git.clone-dead", "objects"), { recursive: true });
  const { tip } = await prepareRepo({ folder: folder(), repo: source, branch: "v" });
  expect(tip).toBe(gitIn(source, "rev-parse", "HEAD"));
  expect(readdirSync(folder().root).sort()).toEqual(["repo.git", "workspace"]);
});

test("a missing branch and a missing workspace are made where the rest is there", async () => {
  const source = makeSource(root);
  await prepareRepo({ folder: folder(), repo: source, branch: "v" });
  rmSync(folder().workspace, { recursive: true });
  gitIn(root, "--git-dir", folder().repo, "update-ref", "-d", "refs/heads/v");
  gitIn(root, "--git-dir", folder().repo, "symbolic-ref", "HEAD", "refs/heads/main");
  await prepareRepo({ folder: folder(), repo: source, branch: "v" });
  expect(existsSync(join(folder().workspace, "README.md"))).toBe(true);
});

test("a repository that no voyage can begin from is said before it is cloned, with what helps", async () => {
  const source = makeSource(root);
  const problems = async (repo: string, branch = "v") => {
    const found = await sourceProblems(repo, await readSource(repo), branch);
    return found.map(({ message, hint }) => `${message} | ${hint}`);
  };
  expect(await problems(source)).toEqual([]);

  gitIn(source, "config", "uploadpack.allowFilter", "true");
  gitIn(root, "clone", "-q", "--filter=blob:none", "--no-checkout", `file://${source}`, "partial");
  const partial = join(root, "partial");
  expect(await problems(partial)).toEqual([
    expect.stringMatching(
      new RegExp(
        `partial clone .* \\| sail what it was cloned from: pulumi config set ocaptain:repo file://${source}; or .*--refetch`,
      ),
    ),
  ]);
  gitIn(partial, "-c", "remote.origin.partialclonefilter=", "fetch", "-q", "--refetch");
  expect(await problems(partial)).toEqual([]); // what the hint says helps

  gitIn(source, "commit", "-q", "--allow-empty", "-m", "second");
  gitIn(root, "clone", "-q", "--depth=1", `file://${source}`, "shallow");
  expect(await problems(join(root, "shallow"))).toEqual([
    expect.stringMatching(/shallow clone .* \| git -C \S+ fetch --unshallow/),
  ]);
  // That a repository elsewhere is shallow is only seen by the clone.
  const elsewhere = prepareRepo({ folder: folder(), repo: `file://${root}/shallow`, branch: "v" });
  await expect(elsewhere).rejects.toMatchObject({ message: expect.stringMatching(/^repository \S+ is a shallow clone/) });

  gitIn(root, "init", "-q", "--object-format=sha256", "sha256");
  expect(await problems(join(root, "sha256"))).toEqual([expect.stringMatching(/by sha256; .*sha1, only/)]);
  gitIn(join(root, "sha256"), "commit", "-q", "--allow-empty", "-m", "first");
  const { refs } = await readSource(join(root, "sha256"));
  expect(await sourceProblems("far", { path: undefined, refs }, "v")).toMatchObject([
    { message: expect.stringContaining("sha256") },
  ]);

  gitIn(source, "branch", "v/one");
  expect(await problems(source)).toEqual([
    expect.stringMatching(/has a branch v\/one, .*no branch v, .*\| another name for the stack/),
  ]);
  expect(await problems(source, "w")).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)(
  "a repository of another user's: said so, with what helps (only root can give one away)",
  async () => {
    const source = makeSource(root);
    chownSync(join(source, ".git"), 12_345, 12_345);
    chownSync(source, 12_345, 12_345);
    await expect(readSource(source)).rejects.toMatchObject({
      message: `repository "${source}" belongs to another user, and git does not read it`,
      hint: expect.stringMatching(/^sudo chown -R .*; or sail a copy of yours: cp -r /),
    });
  },
);

test("what cannot be read is refused by name, and nothing is left of the attempt", async () => {
  const nothing = join(root, "nothing");
  for (const attempt of [() => readSource(nothing), () => prepareRepo({ folder: folder(), repo: nothing, branch: "v" })]) {
    await expect(attempt()).rejects.toMatchObject({
      code: "REPO_UNREADABLE",
      message: `repository "${nothing}" cannot be read: there is no such folder`,
      hint: "correct ocaptain:repo, or repo in the plan's voyage.json",
    });
  }
  await expect(readSource(root)).rejects.toMatchObject({
    message: `repository "${root}" cannot be read: that folder is no git repository`,
    hint: expect.stringMatching(/^git -C \S+ init && git -C \S+ add \. && git -C \S+ commit -m Start {2}# makes one of it$/),
  });
  const broken = makeSource(root);
  writeFileSync(join(broken, ".git", "config"), "[core\n");
  await expect(readSource(broken)).rejects.toMatchObject({
    message: expect.stringMatching(/cannot be read: git says "bad config line 1 in file [^"\n]+"$/),
    hint: `git ls-remote ${broken} HEAD`,
  });
  expect(existsSync(folder().repo)).toBe(false);
  await expect(readSource("https://me:secret@example.org/r.git")).rejects.toSatisfy(
    (error: Error & { code: string }) => error.code === "REPO_URL_SECRET" && !error.message.includes("secret"),
  );
});

test("a host that never answers is given up on in time", async () => {
  const silent = createTcpServer(() => {}).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as AddressInfo;
  await expect(readSource(`http://127.0.0.1:${port}/r.git`, { timeoutMs: 500 })).rejects.toMatchObject({
    code: "REPO_UNREADABLE",
    message: expect.stringMatching(/cannot be read: its host does not answer in time$/),
  });
  silent.close();
});

test("a token goes to GitHub alone, never in clear, and shows in no error", async () => {
  const seen: (string | undefined)[] = [];
  const host = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(403).end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => host.once("listening", resolve));
  const { port } = host.address() as AddressInfo;
  process.env.GH_HOST = `127.0.0.1:${port}`;
  try {
    const refused = readSource(`http://127.0.0.1:${port}/r.git`, { token: "s3cret" });
    await expect(refused).rejects.toSatisfy((error: Error) => !String(error.stack).includes("s3cret"));
    await expect(refused).rejects.toThrow(/it is private, or is not there, and nothing was given that lets git in$/);
    expect(seen).toEqual(seen.map(() => undefined));
    expect(seen.length).toBeGreaterThan(0);
  } finally {
    delete process.env.GH_HOST;
    host.close();
  }
});

test.each([
  ["https://github.com/o/r", "https://github.com/"],
  ["https://github.com.evil.example/o/r", null],
  ["https://evil.example/github.com/r", null],
  ["http://github.com/o/r", null],
  ["ssh://git@github.com/o/r", null],
  ["/a/path", null],
])("who gets the token: %s", (address, scope) => {
  const header = `Authorization: Basic ${Buffer.from("x-access-token:s3cret").toString("base64")}`;
  expect(tokenConfig(address, "s3cret")).toEqual(scope ? [[`http.${scope}.extraHeader`, header]] : []);
});

test.each([
  ["https://git.example.com/o/r", "https://git.example.com/", "https://git.example.com/"],
  ["https://git.example.com:3000/o/r", "https://git.example.com:3000", "https://git.example.com:3000/"],
  ["http://127.0.0.1:3000/o/r", "http://127.0.0.1:3000", "http://127.0.0.1:3000/"],
  ["http://git.example.com/o/r", "http://git.example.com", null],
  ["https://git.example.com:3000/o/r", "https://git.example.com", null],
  ["https://git.example.com/o/r", undefined, null],
  ["https://github.com/o/r", "https://git.example.com", null],
])("who gets the token of a Gitea: %s, which is for %s", (address, server, scope) => {
  const header = `Authorization: Basic ${Buffer.from("ocaptain:s3cret").toString("base64")}`;
  const env = { GITEA_TOKEN: "s3cret", ...(server && { GITEA_SERVER_URL: server }) };
  expect(tokenConfig(address, undefined, env)).toEqual(scope ? [[`http.${scope}.extraHeader`, header]] : []);
});

test("a token in a URL is refused, unsaid", async () => {
  await expect(readSource("https://ghp_hunter2@github.com/o/r")).rejects.toSatisfy(
    (error: Error & { code: string }) => error.code === "REPO_URL_SECRET" && !error.message.includes("hunter2"),
  );
});

test("task files are counted as they are: broken ones left out, foreign ones by Claude Code's status", async () => {
  expect(await taskCounts(folder())).toMatchObject({ total: 0, byShip: {} });
  mkdirSync(folder().tasks, { recursive: true });
  const put = (name: string, value: unknown) =>
    writeFileSync(join(folder().tasks, name), typeof value === "string" ? value : JSON.stringify(value));
  put("1.json", { status: "completed", owner: "ship-0" });
  put("2.json", { status: "in_progress", owner: "ship-0", metadata: { ocaptain: { status: "claimed" } } });
  put("3.json", { status: "pending", metadata: { ocaptain: { status: "blocked" } } });
  put("4.json", { status: "completed", metadata: { ocaptain: { status: "cancelled" } } });
  put("5.json", "{ half");
  put("6.json.tmp.abc", { status: "pending" });
  put("10.json", { status: "pending" });
  expect(await taskCounts(folder())).toEqual({
    total: 5,
    pending: 1,
    claimed: 1,
    accepted: 1,
    blocked: 1,
    cancelled: 1,
    byShip: { "ship-0": { accepted: 1, task: "2" } },
  });
});
