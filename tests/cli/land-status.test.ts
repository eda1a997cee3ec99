import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openForgeOf } from "../../cli/forge/of-voyage.ts";
import { landStatus, watchLanding } from "../../cli/verbs/land-status.ts";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { readLanding, writeLanding } from "../../lib/voyage/landing-file.ts";
import { knownVoyage } from "../../lib/watch/known.ts";
import { landingFile } from "../support/landing.ts";
import { listen } from "../support/spoken.ts";
import { startStandInPulls } from "../support/stand-in-pulls.ts";

const TIP = "a".repeat(40);
let root: string;
let service: Awaited<ReturnType<typeof startStandInPulls>>;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "oc-ls-"));
  service = await startStandInPulls();
  for (const [name, value] of Object.entries({ ...service.env, OCAPTAIN_VOYAGES: root, OCAPTAIN_FORGE: "", GH_HOST: "" }))
    vi.stubEnv(name, value);
  mkdirSync(join(root, "sea"));
  const voyage = { voyageId: "abc123", stack: "sea", captainId: "c", nonce: "n", createdAt: "2026-11-28T09:00:00.000Z" };
  const repository = { address: "https://github.com/crew/boat.git", roots: [] };
  writeFileSync(join(root, "sea", "voyage.json"), JSON.stringify({ ...voyage, repository }));
  service.state.branches.set("ocaptain/sea", TIP);
  const pull = { title: "Boat", body: "", html_url: "https://github.com/crew/boat/pull/1", node_id: "x", state: "open" };
  service.state.pulls.push({
    ...pull,
    number: 1,
    draft: true,
    merged_at: null,
    head: { ref: "ocaptain/sea" },
    base: { ref: "main", sha: TIP },
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await service.close();
  rmSync(root, { recursive: true, force: true });
});

const land = () =>
  writeLanding(voyageFolder("sea"), {
    ...landingFile(),
    ...{ forge: null, remote: "https://github.com/crew/boat.git", facts: undefined },
    pulls: [{ number: 1, url: "https://github.com/crew/boat/pull/1", branch: "ocaptain/sea", base: "main" }],
  });
const facts = async () => (await readLanding(voyageFolder("sea"), "abc123"))?.facts;
const failed = { context: "build", state: "failure", target_url: "https://ci.example/1", description: "3 tests\u001b[2J failed" };

test("what the forge says is shown and written down, where status and the helm read it", async () => {
  await land();
  service.state.rights = { ann: "write" };
  service.state.statuses = [{ ...failed, context: "lint", state: "success" }, failed];
  service.state.reviews = [
    { id: 1, user: { login: "ann" }, state: "CHANGES_REQUESTED", body: "x".repeat(9_000), submitted_at: "2026-11-28T10:00:00Z" },
  ];
  const remark = { databaseId: 1, author: { login: "ann" }, body: "no", createdAt: "2026-11-28T10:00:00Z" };
  service.state.threads = [true, false].map((isResolved) => ({
    isResolved,
    path: "a",
    line: 1,
    originalLine: 1,
    comments: { nodes: [remark] },
  }));
  const heard = listen();
  expect(await landStatus("sea", {}, heard.io)).toBe(0);
  expect(heard.out.join("\n")).toBe(
    "pull request 1  a draft · 1 check failed · 1 passed · ann asked for changes · 1 open remark · https://github.com/crew/boat/pull/1\n  ✗ build  3 tests failed",
  );
  const kept = (await facts())!.pulls[0]!;
  expect(kept).toMatchObject({ number: 1, state: "open", isDraft: true, mergeable: true, openComments: 1 });
  expect(kept.checks.map(({ name }) => name)).toEqual(["build", "lint"]);
  expect(kept.reviews[0]!.body).toHaveLength(4_000);
});

test("where the forge does not say whether it can be merged, git tries it, in the voyage's own repository", async () => {
  const remote = join(root, "remote.git");
  const run = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const file = (name: string, content: string) => {
    writeFileSync(join(root, "work", name), content);
    run("-C", "work", "add", ".");
    run("-C", "work", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", name);
    return run("-C", "work", "rev-parse", "HEAD");
  };
  run("init", "-q", "--bare", remote);
  run("init", "-q", "-b", "main", "work");
  const begun = file("boat", "1");
  const tip = file("boat", "2");
  run("clone", "-q", "--bare", "work", voyageFolder("sea").repo);
  run("-C", "work", "reset", "-q", "--hard", begun);
  file("oar", "1");
  run("-C", "work", "push", "-q", remote, "main");
  vi.stubEnv("HOME", root);
  vi.stubEnv("GIT_CONFIG_GLOBAL", join(root, "config"));
  run("config", "--file", join(root, "config"), `url.${remote}.insteadOf`, "https://github.com/crew/boat.git");
  service.state.readsUntilMergeable = 1000;
  service.state.branches.set("ocaptain/sea", tip);
  await land();
  const now = (await readLanding(voyageFolder("sea"), "abc123"))!;
  await writeLanding(voyageFolder("sea"), { ...now, pushed: [{ ...now.pushed[0]!, head: tip }] });
  await landStatus("sea", {}, listen().io);
  expect((await facts())!.pulls[0]!.mergeable).toBe(true);
  file("boat", "3");
  run("-C", "work", "push", "-q", remote, "main");
  const heard = listen();
  await landStatus("sea", {}, heard.io);
  expect((await facts())!.pulls[0]!.mergeable).toBe(false);
  expect(heard.out[0]).toContain("conflicts with main");
});

test("a watch tells each change, goes on while the forge is away, and ends when all is merged", async () => {
  await land();
  const heard = listen();
  const voyage = await knownVoyage("sea");
  const forge = (await openForgeOf(voyage, { origin: "https://github.com/crew/boat.git" }))!;
  const watch = watchLanding(voyage, forge, 50, heard.io);
  await expect.poll(() => heard.out.length).toBe(1);
  service.state.faults.push({ on: "GET /repos/crew/boat/pulls/1", status: 0, hangUp: true, times: 4 });
  await expect.poll(() => heard.notes.join()).toMatch(/^GET .*; it is asked again/);
  Object.assign(service.state.pulls[0]!, { state: "closed", merged_at: "2026-11-28T12:00:00Z" });
  expect(await watch).toBe(0);
  expect(heard.out.at(-1)).toMatch(/^pull request 1 {2}merged · /);
});

test("a landing that is at work writes its file alone; what was never landed is told", async () => {
  const heard = listen();
  await expect(landStatus("sea", {}, heard.io)).rejects.toMatchObject({ code: "NOT_LANDED", hint: "ocaptain land sea" });
  await expect(landStatus("sea", { every: "1s" }, heard.io)).rejects.toMatchObject({ code: "USAGE" });
  await land();
  const lock = await acquireOsLock(join(root, "sea", "helm", "landing.sqlite"), { timeoutMs: 0 });
  expect(await landStatus("sea", {}, heard.io)).toBe(0);
  lock.release();
  expect(await facts()).toBeUndefined();
});
