import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Forge } from "../../../cli/forge/forge.ts";
import { openForge } from "../../../cli/forge/open.ts";
import { startStandInPulls } from "../../support/stand-in-pulls.ts";

const TIP = "a".repeat(40);
const ASK = { head: "ocaptain/abc", base: "main", title: "Paint the boat", body: "All of it.", draft: true };
let service: Awaited<ReturnType<typeof startStandInPulls>>;

beforeEach(async () => {
  service = await startStandInPulls();
  service.state.branches.set(ASK.head, TIP);
});
afterEach(() => service.close());

const opened = async (env = service.env, origin = service.origin) => (await openForge({ origin, env })) as Forge;
const called = (words: string) => service.state.calls.filter((call) => call.startsWith(words)).length;
/** What an error says, with its code and its hint. */
const told = (work: Promise<unknown>) =>
  work.then(
    () => "nothing was refused",
    (error) => `${error.code}: ${error.message}\n${error.hint}`,
  );

test("a draft is opened, found again, renamed, made ready and merged", async () => {
  const forge = await opened();
  expect(await forge.defaultBranch()).toBe("main");
  expect(await forge.findPull(ASK.head)).toBeNull();
  const made = await forge.createPull(ASK);
  expect(made).toMatchObject({
    number: 1,
    state: "open",
    isDraft: true,
    head: ASK.head,
    headCommit: TIP,
    base: "main",
    mergeable: null,
  });
  expect(made.url).toBe("https://github.com/crew/boat/pull/1");
  expect(await forge.findPull(ASK.head, "main")).toMatchObject({ number: 1 });
  expect(await forge.updatePull(1, { title: "Paint it", draft: false })).toMatchObject({ title: "Paint it", body: "All of it." });
  expect(await forge.pull(1)).toMatchObject({ isDraft: false, mergeable: true });
  expect(await forge.merge(1, { commit: TIP })).toMatchObject({ state: "merged" });
  expect(await forge.merge(1, { commit: TIP })).toMatchObject({ state: "merged" });
  expect(called("PUT ")).toBe(1);
});

test("whether it can be merged is asked again while it is not known, and stays unknown where it is not told", async () => {
  const forge = await opened();
  await forge.createPull(ASK);
  expect((await forge.pull(1)).mergeable).toBe(true);
  expect(called("GET /repos/crew/boat/pulls/1")).toBe(2);
  service.state.readsUntilMergeable = 100;
  expect((await forge.pull(1)).mergeable).toBeNull();
});

test("a pull request that is there already is the one, also where an answer was lost", async () => {
  const forge = await opened();
  await forge.createPull(ASK);
  expect(await forge.createPull(ASK)).toMatchObject({ number: 1 });
  expect(service.state.pulls).toHaveLength(1);
  service.state.faults.push({ on: "PATCH ", status: 0, hangUp: true });
  expect(await told(forge.updatePull(1, { body: "More" }))).toMatch(/^FORGE_AWAY: PATCH .*whether it was done is not known/);
  expect(await told(forge.createPull({ ...ASK, head: "never-pushed" }))).toMatch(
    /^FORGE_REFUSED: cannot open a pull request of never-pushed into main in crew\/boat: Validation Failed: head invalid/,
  );
});

test("reviewers and labels are asked for; who cannot review is named", async () => {
  const forge = await opened();
  await forge.createPull(ASK);
  service.state.rights = { ann: "write" };
  await forge.askReviewers(1, ["ann"]);
  await forge.addLabels(1, ["fleet"]);
  expect(service.state.pulls[0]).toMatchObject({ requested: ["ann"], labels: ["fleet"] });
  expect(await told(forge.askReviewers(1, ["bob"]))).toMatch(/cannot ask bob for a review in crew\/boat: Reviews may only be/);
});

test("checks are those of both kinds, on all pages, each by what it came to", async () => {
  const run = (id: number, conclusion: string | null, more = {}) => ({
    ...{
      id,
      name: `check ${id}`,
      status: conclusion ? "completed" : "in_progress",
      conclusion,
      html_url: "https://ci.example/x",
    },
    ...{ app: { slug: "github-actions" }, output: { title: null, summary: null }, ...more },
  });
  service.state.checkRuns = [
    run(1, "success"),
    run(2, "timed_out", { output: { title: "too slow" } }),
    run(3, null),
    run(4, "skipped"),
  ];
  service.state.statuses = [{ context: "lint", state: "error", target_url: "javascript:alert(1)", description: "no" }];
  service.state.pageSize = 2;
  const forge = await opened();
  expect(await forge.checks(TIP)).toEqual([
    { name: "check 1", state: "success", url: "https://ci.example/x", summary: null, id: "job:1" },
    { name: "check 2", state: "failure", url: "https://ci.example/x", summary: "too slow", id: "job:2" },
    { name: "check 3", state: "pending", url: "https://ci.example/x", summary: null, id: "job:3" },
    { name: "check 4", state: "neutral", url: "https://ci.example/x", summary: null, id: "job:4" },
    { name: "lint", state: "failure", url: null, summary: "no", id: `${TIP}:lint` },
  ]);
});

test("an answer that has not changed is asked for by its ETag, and taken from memory", async () => {
  service.state.statuses = [{ context: "lint", state: "pending", target_url: null, description: null }];
  const forge = await opened();
  const first = await forge.checks(TIP);
  expect(await forge.checks(TIP)).toEqual(first);
  expect(service.state.unchanged).toBe(2);
  service.state.statuses = [{ context: "lint", state: "success", target_url: null, description: null }];
  expect(await forge.checks(TIP)).toMatchObject([{ state: "success" }]);
});

test("reviews and remarks name who may write, and what is resolved", async () => {
  service.state.rights = { ann: "write", eve: "read" };
  const review = (id: number, login: string | null, state: string) => ({
    ...{ id, user: login && { login }, state, body: "words", submitted_at: "2026-11-28T10:00:00Z" },
  });
  service.state.reviews = [
    review(1, "ann", "CHANGES_REQUESTED"),
    review(2, "eve", "APPROVED"),
    review(3, "crew", "PENDING"),
    review(4, null, "COMMENTED"),
  ];
  const remark = (id: number, login: string) => ({
    databaseId: id,
    author: { login },
    body: `remark ${id}`,
    createdAt: "2026-11-28T10:00:00Z",
  });
  service.state.threads = [
    {
      isResolved: false,
      path: "boat.txt",
      line: null,
      originalLine: 7,
      comments: { nodes: [remark(1, "eve"), remark(2, "crew")] },
    },
    { isResolved: true, path: "oar.txt", line: 3, originalLine: 3, comments: { nodes: [remark(3, "ann")] } },
  ];
  service.state.pageSize = 1;
  const forge = await opened();
  await forge.createPull(ASK);
  const reviews = (await forge.reviews(1)).map(({ author, state, mayWrite }) => [author, state, mayWrite]);
  expect(reviews).toEqual([
    ["ann", "changes-requested", true],
    ["eve", "approved", false],
    ["ghost", "commented", false],
  ]);
  const remarks = (await forge.comments(1)).map(({ author, path, line, isResolved, mayWrite }) => [
    author,
    path,
    line,
    isResolved,
    mayWrite,
  ]);
  expect(remarks).toEqual([
    ["eve", "boat.txt", 7, false, false],
    ["crew", "boat.txt", 7, false, true],
    ["ann", "oar.txt", 3, true, true],
  ]);
});

test("a job's log is its last lines, from another host that gets no token; else what the check has noted", async () => {
  service.state.log = `${"line\n".repeat(10_000)}\u001b[31mlast\u001b[0m\n`;
  const forge = await opened();
  const check = { name: "build", state: "failure", url: null, summary: null, id: "job:5" } as const;
  const log = await forge.jobLog(check);
  expect(log).toMatch(/^line\n[\s\S]*\nlast$/);
  expect(log?.length).toBeLessThanOrEqual(16 * 1024);
  expect(service.state.atLogHost).toEqual([undefined]);
  service.state.log = "";
  service.state.annotations = [{ path: "boat.txt", start_line: 3, message: "leaks" }];
  expect(await forge.jobLog(check)).toBe("boat.txt:3: leaks");
  expect(await forge.jobLog({ ...check, id: `${TIP}:lint` })).toBeNull();
});

test("a renamed repository is followed, and a page at another address is not", async () => {
  const forge = await opened(service.env, "git@github.com:old/name.git");
  expect(await forge.createPull(ASK)).toMatchObject({ number: 1 });
  service.state.faults.push({
    ...{ on: "GET /repos/old/name/pulls/1/reviews", status: 200, body: [] },
    headers: { link: '<https://elsewhere.example/repos?page=2>; rel="next"' },
  });
  // The next page is asked for by its number, at the same address.
  expect(await forge.reviews(1)).toEqual([]);
});

test("what is refused says what was asked of which repository, what is missing, and the way out", async () => {
  const { state, env } = service;
  const forge = await opened();
  await forge.createPull(ASK);
  const refusal = async (fault: Omit<(typeof state.faults)[number], "on">, work: () => Promise<unknown>) => {
    state.faults.push({ on: "", ...fault });
    return told(work());
  };

  const wrong = await opened({ ...env, GH_TOKEN: "ghp_another" });
  expect(await told(wrong.defaultBranch())).toMatch(
    /^FORGE_AUTH: GET \/repos\/crew\/boat .*GH_TOKEN is refused for crew\/boat: Bad credentials\ngh auth login/,
  );
  const nobody = await opened({ ...env, GH_TOKEN: undefined });
  expect(await told(nobody.defaultBranch())).toMatch(
    /^FORGE_NOT_FOUND: cannot read the repository in crew\/boat: .*may not see it/,
  );

  const fine = { status: 403, body: { message: "Resource not accessible by personal access token" } };
  const headers = { "x-accepted-github-permissions": "contents=write; pull_requests=write" };
  expect(await refusal({ ...fine, headers }, () => forge.createPull({ ...ASK, head: "x" }))).toMatch(
    /^FORGE_PERMISSION: POST .*may not do that in crew\/boat: Resource not.*\ngive the token the permission contents: write or pull_requests: write \(fine-grained\), or the scope repo \(classic\)/,
  );
  expect(await refusal(fine, () => forge.checks(TIP))).toMatch(/permission Checks: read \(fine-grained\)/);
  const sso = { "x-github-sso": "required; url=https://github.com/orgs/crew/sso?x=1" };
  expect(await refusal({ ...fine, headers: sso }, () => forge.checks(TIP))).toMatch(
    /single sign-on: https:\/\/github\.com\/orgs\/crew\/sso/,
  );

  state.protection = "At least 1 approving review is required by reviewers with write access.";
  expect(await told(forge.merge(1, { commit: TIP }))).toMatch(
    /^FORGE_REFUSED: cannot merge pull request 1 in crew\/boat: At least 1 approving[\s\S]*open https:\/\/github\.com\/crew\/boat\/pull\/1/,
  );
  state.protection = "";
  await forge.updatePull(1, { draft: false });
  expect(await told(forge.merge(1, { commit: "b".repeat(40) }))).toMatch(/^FORGE_REFUSED: .*Head branch was modified/);
  expect(await told(forge.merge(9, { commit: TIP }))).toMatch(/^FORGE_NOT_FOUND/);
  expect(
    await refusal({ status: 422, body: { message: "Draft pull requests are not supported in this repository." } }, () =>
      forge.createPull(ASK),
    ),
  ).toMatch(/ocaptain land --ready/);
  expect(await refusal({ status: 200, body: { number: "one" } }, () => forge.pull(1))).toMatch(
    /^FORGE_ANSWER: cannot read a pull request in crew\/boat/,
  );
  expect(await refusal({ status: 502, times: 9 }, () => forge.createPull({ ...ASK, head: "y" }))).toMatch(
    /^FORGE_AWAY: .*trouble \(502\)/,
  );
});

test("a rate limit that passes soon is waited for, and a longer one says until when", async () => {
  const { state } = service;
  const forge = await opened();
  const secondary = { message: "You have exceeded a secondary rate limit. Please wait a few minutes." };
  state.faults.push({ on: "GET ", status: 403, body: secondary, headers: { "retry-after": "0" } });
  expect(await forge.defaultBranch()).toBe("main");
  const reset = String(Math.floor(Date.parse("2030-01-01T00:00:00Z") / 1000));
  state.faults.push({ on: "GET ", status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset } });
  expect(await told(forge.defaultBranch())).toMatch(/^FORGE_LIMIT: GET .*until 2030-01-01T00:00:00Z/);
  state.faults.push({ on: "GET ", status: 429, body: secondary });
  expect(await told(forge.defaultBranch())).toMatch(/^FORGE_LIMIT: .*secondary rate limit/);
  state.faults.push({
    on: "POST /graphql",
    status: 200,
    body: { data: null, errors: [{ type: "FORBIDDEN", message: "not by this token" }] },
  });
  expect(await told(forge.comments(1))).toMatch(/^FORGE_PERMISSION: cannot read the remarks .*not by this token/);
});

test("no error holds the token, and the client writes nothing of its own", async () => {
  const written = (["error", "warn", "info", "log", "debug"] as const).map((name) => vi.spyOn(console, name));
  const { state, env } = service;
  const forge = await opened();
  state.faults.push({ on: "GET ", status: 0, hangUp: true, times: 9 });
  state.faults.push({ on: "POST ", status: 500, times: 9 });
  for (const work of [() => forge.defaultBranch(), () => forge.createPull(ASK)]) {
    const error = await work().catch((thrown: unknown) => thrown);
    const seen: unknown[] = [];
    const all = JSON.stringify(error, (_, value) => {
      if (value instanceof Error) {
        if (seen.includes(value)) return "again";
        seen.push(value);
        return { ...value, message: value.message, stack: value.stack, cause: value.cause };
      }
      return value;
    });
    expect(all).toContain("FORGE_AWAY");
    expect(all).not.toContain(env.GH_TOKEN);
  }
  for (const each of written) expect(each).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});
