import { afterAll, beforeAll, expect, test } from "vitest";
import type { Forge } from "../../cli/forge/forge.ts";
import { openForge } from "../../cli/forge/open.ts";
import { type Gitea, startGitea } from "../support/gitea.ts";
import { until } from "../support/until.ts";

let gitea: Gitea;
let origin: string;
let crewToken: string;
let strangerToken: string;

beforeAll(async () => {
  gitea = await startGitea();
  origin = await gitea.repository("boat");
  [crewToken, strangerToken] = [await gitea.user("crew"), await gitea.user("stranger")];
  await gitea.api("PUT", "/repos/captain/boat/collaborators/crew", { permission: "write" });
});
afterAll(() => gitea?.close());

/** Opens a repository as somebody. */
async function opened(token = gitea.token, at = origin): Promise<Forge> {
  const env = { PATH: process.env.PATH, HOME: gitea.folder, GITEA_TOKEN: token, GITEA_SERVER_URL: gitea.url };
  return (await openForge({ origin: at, env }))!;
}
const told = (work: Promise<unknown>) =>
  work.then(
    () => "nothing was refused",
    (error) => `${error.code}: ${error.message}\n${error.hint}`,
  );
let count = 0;
/** Pushes a branch with one more file, and opens a pull request of it. */
async function pull(forge: Forge, { draft = false } = {}) {
  const head = `ocaptain/v${++count}`;
  const commit = await gitea.commit("boat", head, `file-${count}.txt`, "1\n2\n3\n", "main");
  const made = await forge.createPull({ head, base: "main", title: `Voyage ${count}`, body: "All of it.", draft });
  return { ...made, commit };
}

test("a draft is opened once, found by its branch, changed, and made ready", async () => {
  const forge = await opened();
  expect(forge.place).toMatchObject({ kind: "gitea", api: `${gitea.url}/api/v1`, web: `${gitea.url}/captain/boat` });
  expect(await forge.defaultBranch()).toBe("main");
  expect(await forge.findPull("ocaptain/none")).toBeNull();
  const { commit, ...made } = await pull(forge, { draft: true });
  expect(made).toMatchObject({
    state: "open",
    isDraft: true,
    title: "Voyage 1",
    body: "All of it.",
    head: "ocaptain/v1",
    base: "main",
  });
  expect(made).toMatchObject({ headCommit: commit, url: `${gitea.url}/captain/boat/pulls/${made.number}`, mergeable: null });
  expect((await gitea.api("GET", `/repos/captain/boat/pulls/${made.number}`)).title).toBe("WIP: Voyage 1");
  expect(await forge.createPull({ head: made.head, base: "main", title: "Again", body: "", draft: false })).toMatchObject({
    number: made.number,
    title: "Voyage 1",
  });
  expect(await forge.findPull(made.head)).toMatchObject({ number: made.number });
  expect(await forge.updatePull(made.number, { title: "Voyage one" })).toMatchObject({
    title: "Voyage one",
    isDraft: true,
    body: "All of it.",
  });
  expect(await forge.updatePull(made.number, { draft: false, body: "More." })).toMatchObject({
    title: "Voyage one",
    isDraft: false,
    body: "More.",
  });
  expect(await forge.pull(made.number)).toMatchObject({ mergeable: true });
  // The newest of a branch, where none is open.
  await gitea.api("PATCH", `/repos/captain/boat/pulls/${made.number}`, { state: "closed" });
  expect(await forge.findPull(made.head, "main")).toMatchObject({ number: made.number, state: "closed" });
  const again = await forge.createPull({ head: made.head, base: "main", title: "Again", body: "", draft: true });
  expect(await forge.findPull(made.head)).toMatchObject({ number: again.number, state: "open" });
});

test("reviewers are asked, and labels added, also such as were not there", async () => {
  const forge = await opened();
  const { number } = await pull(forge);
  await forge.askReviewers(number, ["crew"]);
  await forge.addLabels(number, ["fleet"]);
  await forge.addLabels(number, ["fleet", "second"]);
  const seen = await gitea.api("GET", `/repos/captain/boat/pulls/${number}`);
  expect(seen.requested_reviewers.map(({ login }: { login: string }) => login)).toEqual(["crew"]);
  expect(seen.labels.map(({ name }: { name: string }) => name)).toEqual(["fleet", "second"]);
  expect(await told(forge.askReviewers(number, ["nobody"]))).toMatch(
    /^FORGE_NOT_FOUND: cannot ask nobody for a review in captain\/boat/,
  );
  expect(await forge.reviews(number)).toEqual([]);
});

test("a check is the newest status of its name", async () => {
  const forge = await opened();
  const { commit } = await pull(forge);
  const status = (context: string, state: string, more = {}) =>
    gitea.api("POST", `/repos/captain/boat/statuses/${commit}`, { context, state, ...more });
  expect(await forge.checks(commit)).toEqual([]);
  await status("build", "pending");
  await status("build", "failure", { target_url: "https://ci.example/1", description: "3 tests failed" });
  await status("lint", "success");
  const checks = (await forge.checks(commit)).sort((one, other) => one.name.localeCompare(other.name));
  expect(checks).toMatchObject([
    { name: "build", state: "failure", url: "https://ci.example/1", summary: "3 tests failed", id: `${commit}:build` },
    { name: "lint", state: "success", url: null, summary: null },
  ]);
  expect(await forge.jobLog(checks[0]!)).toBeNull();
});

test("reviews and remarks name who may write, and what is resolved; whose rights may not be asked for, has none", async () => {
  const forge = await opened();
  const { number } = await pull(forge);
  await gitea.api("PUT", "/repos/captain/boat/collaborators/stranger", { permission: "read" });
  const review = (event: string, path: string, line: number, by: string) =>
    gitea.api(
      "POST",
      `/repos/captain/boat/pulls/${number}/reviews`,
      { event, body: `${event} it`, comments: [{ path, body: `${event} at ${line}`, new_position: line }] },
      by,
    );
  const file = `file-${count}.txt`;
  await review("REQUEST_CHANGES", file, 1, crewToken);
  await review("COMMENT", file, 2, strangerToken);
  const reviews = (await forge.reviews(number)).map(({ author, state, body, mayWrite }) => [author, state, body, mayWrite]);
  expect(reviews).toEqual([
    ["crew", "changes-requested", "REQUEST_CHANGES it", true],
    ["stranger", "commented", "COMMENT it", false],
  ]);
  const remarks = async (by: Forge) =>
    (await by.comments(number)).map(({ author, path, line, isResolved, mayWrite }) => [author, path, line, isResolved, mayWrite]);
  expect(await remarks(forge)).toEqual([
    ["crew", file, 1, false, true],
    ["stranger", file, 2, false, false],
  ]);
  const [first] = await forge.comments(number);
  await gitea.api("POST", `/repos/captain/boat/pulls/comments/${first!.id}/resolve`);
  expect((await remarks(forge)).map(([, , , isResolved]) => isResolved)).toEqual([true, false]);
  // crew may write, and may ask only for its own rights.
  expect((await remarks(await opened(crewToken))).map(([author, , , , mayWrite]) => [author, mayWrite])).toEqual([
    ["crew", true],
    ["stranger", false],
  ]);
});

test("what conflicts with its base cannot be merged, and what another has pushed to is not merged", async () => {
  const forge = await opened();
  const one = await pull(forge);
  await gitea.commit("boat", "main", `file-${count}.txt`, "other\n");
  await until("the conflict is seen", async () => (await forge.pull(one.number)).mergeable === false);
  expect(await told(forge.merge(one.number, { commit: one.commit }))).toMatch(
    /^FORGE_REFUSED: cannot merge pull request \d+ in captain\/boat/,
  );
  const other = await pull(forge);
  await gitea.commit("boat", other.head, "more.txt", "more\n");
  expect(await told(forge.merge(other.number, { commit: other.commit }))).toMatch(
    new RegExp(`^FORGE_REFUSED: .*${other.head} is at [0-9a-f]{10}, and not at ${other.commit.slice(0, 10)}`),
  );
});

test("a merge is by the forge's rules: a protected branch refuses it, with the reason and where to look", async () => {
  const forge = await opened(crewToken);
  const { number, commit, url } = await pull(forge);
  const rule = { rule_name: "main", required_approvals: 1, enable_push: false, block_admin_merge_override: true };
  await gitea.api("POST", "/repos/captain/boat/branch_protections", rule);
  const refusal = await told(forge.merge(number, { commit }));
  await gitea.api("POST", `/repos/captain/boat/pulls/${number}/reviews`, { event: "APPROVED", body: "good" });
  expect(refusal).toMatch(/^FORGE_REFUSED: cannot merge pull request \d+ in captain\/boat: .*approvals/i);
  expect(refusal).toContain(`open ${url}`);
  expect(await forge.merge(number, { commit })).toMatchObject({ state: "merged" });
  expect(await forge.merge(number, { commit })).toMatchObject({ state: "merged" });
  await gitea.api("DELETE", "/repos/captain/boat/branch_protections/main");
});

test("a token that is none, that has no right, or that may only read is told, with the way out", async () => {
  const ask = { head: "ocaptain/v1", base: "main", title: "t", body: "", draft: true };
  const wrong = await opened("0".repeat(40));
  expect(await told(wrong.defaultBranch())).toMatch(
    /^FORGE_AUTH: GET .*token of GITEA_TOKEN is refused for captain\/boat[\s\S]*user\/settings\/applications/,
  );
  const other = await gitea.repository("secret");
  const outsider = await opened(strangerToken, other);
  expect(await told(outsider.defaultBranch())).toMatch(
    /^FORGE_NOT_FOUND: cannot read the repository in captain\/secret: .*may not see it/,
  );
  const reader = await opened(await gitea.user("reader", ["read:repository"]));
  await gitea.api("PUT", "/repos/captain/boat/collaborators/reader", { permission: "read" });
  expect(await reader.defaultBranch()).toBe("main");
  expect(await told(reader.createPull(ask))).toMatch(
    /^FORGE_PERMISSION: POST .*may not do that in captain\/boat: .*write:repository[\s\S]*give the token the scope write:repository/,
  );
});

test("a server that is killed in the middle is told, and the next call goes on", async () => {
  const forge = await opened();
  const { head, number } = await pull(forge, { draft: true });
  await gitea.kill();
  expect(await told(forge.updatePull(number, { body: "Later." }))).toMatch(
    /^FORGE_AWAY: PATCH .*whether it was done is not known/,
  );
  expect(await told(forge.defaultBranch())).toMatch(/^FORGE_AWAY: GET /);
  await expect(opened()).rejects.toMatchObject({ code: "FORGE_AWAY" });
  await gitea.start();
  expect(await forge.createPull({ head, base: "main", title: "t", body: "", draft: true })).toMatchObject({ number });
  expect(await forge.updatePull(number, { body: "Later." })).toMatchObject({ body: "Later.", isDraft: true });
});
