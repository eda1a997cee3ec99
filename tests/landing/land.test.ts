import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Forge } from "../../cli/forge/forge.ts";
import { landVoyage } from "../../cli/landing/land/land.ts";
import { readOptions } from "../../cli/landing/land/options.ts";
import { parts } from "../../cli/landing/land/parts.ts";
import { knownVoyage } from "../../lib/watch/known.ts";
import { type Captain, openCaptain } from "../stack/captain.ts";
import { gitIn } from "../support/git.ts";
import { type Gitea, startGitea } from "../support/gitea.ts";
import { BIN } from "../support/ocaptain.ts";
import type { SmallTask } from "../support/plan.ts";
import { listen } from "../support/spoken.ts";

/**
 * A voyage that the real engine has sailed, whose repository is a checkout of the captain's: its origin is a private
 * repository on a real Gitea, into which the captain's own git is let by a credential helper. One voyage serves all
 * tests, in their order.
 */
const tasks: SmallTask[] = ["1", "2", "3"].map((id) => ({
  id,
  after: id === "2" ? ["1"] : [],
  run: `mkdir -p out; echo ${id} > out/${id}`,
}));
let gitea: Gitea;
let captain: Captain;
let origin: string;

beforeAll(async () => {
  gitea = await startGitea();
  captain = await openCaptain({ stack: "quay", tasks, config: { ships: 1 } });
  await gitea.api("POST", "/user/repos", { name: "boat", private: true, auto_init: false, default_branch: "main" });
  origin = `${gitea.url}/captain/boat.git`;
  gitIn(
    captain.repo,
    "push",
    "-q",
    `http://captain:${gitea.token}@${new URL(origin).host}/captain/boat.git`,
    "HEAD:refs/heads/main",
  );
  gitIn(captain.repo, "remote", "add", "origin", origin);
  await captain.up();
  await captain.until("verified", ({ state }) => state === "verified");
}, 300_000);
afterAll(async () => {
  await captain?.close();
  await gitea?.close();
}, 120_000);

/** The configuration of somebody whose own git gives this token to that server. */
async function configOf(user: string, token: string): Promise<string> {
  const config = join(gitea.folder, `gitconfig-${user}`);
  const helper = `!f() { echo username=${user}; echo password=${token}; }; f`;
  await writeFile(config, `[credential "${gitea.url}"]\n\thelper = ${JSON.stringify(helper)}\n`);
  return config;
}

/** Lands as somebody with this token. */
async function lands(options: string[] = [], { user = "captain", token = gitea.token } = {}) {
  const run = await execa(BIN, ["land", captain.stack, "--yes", "--json", ...options], {
    env: { ...captain.env, GIT_CONFIG_GLOBAL: await configOf(user, token) },
    ...{ reject: false, stdin: "ignore", timeout: 110_000 },
  });
  expect(run.stdout + run.stderr).not.toContain(token);
  const error = run.exitCode === 0 ? null : JSON.parse(run.stderr.trim().split("\n").at(-1)!);
  return { status: run.exitCode, said: run.stderr, error, ...(run.exitCode === 0 && { result: JSON.parse(run.stdout) }) };
}
const tip = () => gitIn(captain.voyage.repo, "rev-parse", `refs/heads/${captain.stack}`);
const branch = () => `ocaptain/${captain.stack}`;
const at = async (name: string) => (await gitea.api("GET", `/repos/captain/boat/branches/${name}`)).commit.id;
const pulls = () => gitea.api("GET", "/repos/captain/boat/pulls?state=all");
const text = async (name: string, file: string) =>
  Buffer.from((await gitea.api("GET", `/repos/captain/boat/contents/${file}?ref=${name}`)).content, "base64").toString();

test("a verified voyage becomes a draft in the checkout's own origin; landing twice is landing once, and what people wrote stays", async () => {
  const first = await lands();
  expect(first).toMatchObject({ status: 0, result: { outcome: "landed", base: "main", remote: origin, tip: tip() } });
  expect(first.result.pulls).toMatchObject([{ number: 1, state: "open", isDraft: true, news: "made" }]);
  expect(await at(branch())).toBe(tip());
  const [pull] = await pulls();
  expect(pull.body).toMatch(/ocaptain:begin [\s\S]*Task 1/);
  await gitea.api("PATCH", "/repos/captain/boat/pulls/1", {
    title: "WIP: My own title",
    body: `Read this first.\n\n${pull.body}`,
  });
  const again = await lands();
  expect(again.result.pulls).toMatchObject([{ number: 1, news: expect.stringMatching(/^(as it was|updated)$/) }]);
  const all = await pulls();
  expect(all).toMatchObject([{ number: 1, title: "WIP: My own title", body: expect.stringMatching(/^Read this first\./) }]);
});

test("--squash and --stack are pull requests of their own branches; a stack's are each on the one before", async () => {
  const squash = await lands(["--squash", "--branch", "fleet/one", "--title", "All at once", "--ready"]);
  expect(squash.result.pulls).toMatchObject([{ number: 2, isDraft: false }]);
  expect(gitIn(captain.voyage.repo, "rev-parse", `${squash.result.pushed[0].head}^{tree}`)).toBe(
    gitIn(captain.voyage.repo, "rev-parse", `${tip()}^{tree}`),
  );
  const stack = await lands(["--stack", "--branch", "fleet/waves", "--label", "fleet"]);
  expect(stack.result.pulls.map(({ branch: name }: { branch: string }) => name)).toEqual(["fleet/waves/1", "fleet/waves/2"]);
  const [second, first] = await pulls();
  expect([first.base.ref, second.base.ref]).toEqual(["main", "fleet/waves/1"]);
  expect(first.body).toContain(second.html_url);
  expect(second.body).toContain(first.html_url);
});

test("a base that has moved on is merged in, and pushed when verify.sh has succeeded again on a ship; a conflict is settled by the fleet", async () => {
  const own = ["--per-task", "--branch", branch()];
  await gitea.commit("boat", "main", "other.txt", "of somebody else\n");
  const followed = await lands(own);
  expect(followed).toMatchObject({ status: 0, result: { verified: true, pulls: [{ number: 1, news: "updated" }] } });
  expect(followed.said).toContain("verify.sh has succeeded");
  expect([await at(branch()), await text(branch(), "other.txt")]).toEqual([tip(), "of somebody else\n"]);

  const moved = await gitea.commit("boat", "main", "out/1", "theirs\n").catch(async () => {
    throw new Error(await gitea.said());
  });
  const before = await at(branch());
  const refused = await lands(own);
  expect(refused).toMatchObject({
    status: 1,
    error: { error: "CONFLICT", message: expect.stringContaining("in out/1; nothing was pushed. Task 900001") },
  });
  expect(await at(branch())).toBe(before);
  await captain.until(
    "the fleet has settled it",
    ({ state, tasks }) => state === "verified" && tasks.find(({ id }) => id === "900001")?.status === "accepted",
  );
  expect(gitIn(captain.voyage.repo, "log", "-1", "--format=%P", tip()).split(" ")).toEqual([before, moved]);
  expect(await lands(own)).toMatchObject({ status: 0, result: { verified: true, pulls: [{ number: 1 }] } });
  expect((await text(branch(), "out/1")).split("\n").sort()).toEqual(["", "1", "theirs"]);
});

test("a protected branch, and a token without rights are told, and nothing is pushed", async () => {
  const protects = { rule_name: "guarded", enable_push: false };
  await gitea.api("POST", "/repos/captain/boat/branch_protections", protects);
  const guarded = await lands(["--branch", "guarded", "--squash"]);
  expect(guarded).toMatchObject({ status: 1, error: { error: "PUSH", message: expect.stringMatching(/protected branch/i) } });

  const reader = await gitea.user("reader", ["read:repository", "read:user"]);
  await gitea.api("PUT", "/repos/captain/boat/collaborators/reader", { permission: "read" });
  const denied = await lands(["--branch", "fleet/reader"], { user: "reader", token: reader });
  expect(denied).toMatchObject({ status: 1 });
  expect(`${denied.error.error} ${denied.error.message}`).toMatch(/^(REMOTE|PUSH|FORGE_PERMISSION) /);
});

test("a Gitea that dies between the push and the pull request is told; the next landing makes the one that is missing", async () => {
  const own = { branch: "fleet/late", perTask: true, yes: true };
  process.env.GIT_CONFIG_GLOBAL = await configOf("captain", gitea.token);
  const { io } = listen();
  const voyage = await knownVoyage(captain.stack);
  const all = parts(voyage, [], io);
  const dies = async (forge: Forge, ask: Parameters<Forge["createPull"]>[0]) => {
    await gitea.kill();
    return forge.createPull(ask);
  };
  const dying = (forge: Forge) =>
    new Proxy(forge, {
      get(of, key: keyof Forge) {
        if (key === "createPull") return (ask: Parameters<Forge["createPull"]>[0]) => dies(of, ask);
        const value = of[key];
        return typeof value === "function" ? value.bind(of) : value;
      },
    });
  const openForge: typeof all.openForge = async (ask) => dying((await all.openForge(ask))!);
  const cut = landVoyage(voyage, readOptions(own), { ...all, openForge }, io);
  await expect(cut).rejects.toMatchObject({
    code: "FORGE_AWAY",
    message: expect.stringContaining("whether it was done is not known"),
  });
  const away = await lands(["--branch", "fleet/late"]);
  expect(away).toMatchObject({ status: 1, error: { error: "REMOTE", hint: expect.stringContaining("git ls-remote") } });
  await gitea.start();
  expect(await at("fleet/late")).toBe(tip());
  const numbers = (await pulls()).map(({ number }: { number: number }) => number);
  const made = await lands(["--branch", "fleet/late"]);
  expect(made).toMatchObject({ status: 0, result: { pushed: [{ isNew: false }], pulls: [{ news: "made" }] } });
  expect(numbers).not.toContain(made.result.pulls[0].number);
});

test("--merge is by the forge's own rules; what is merged is not landed again, also when the fleet has sunk", async () => {
  await gitea.api("POST", "/repos/captain/boat/branch_protections", {
    rule_name: "main",
    required_approvals: 1,
    block_admin_merge_override: true,
  });
  const own = ["--branch", branch()];
  expect(await lands([...own, "--merge"])).toMatchObject({
    status: 1,
    error: { error: "FORGE_REFUSED", message: expect.stringMatching(/approvals/i) },
  });
  await gitea.api("DELETE", "/repos/captain/boat/branch_protections/main");
  expect(await lands([...own, "--merge"])).toMatchObject({ status: 0, result: { pulls: [{ number: 1, state: "merged" }] } });
  await captain.destroy();
  expect(await lands()).toMatchObject({ status: 0, result: { outcome: "in-base" } });
});
