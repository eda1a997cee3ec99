import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fleet, openFleet } from "../cli/fleet.ts";
import { type Gitea, startGitea } from "../support/gitea.ts";
import { BIN } from "../support/ocaptain.ts";

let gitea: Gitea;
let fleet: Fleet;
let origin: string;
let reviewer: string;
const CAPTAINS = ["GIT_CONFIG_GLOBAL", "GITEA_TOKEN", "GITEA_SERVER_URL"] as const;

beforeAll(async () => {
  gitea = await startGitea();
  origin = await gitea.repository("boat");
  reviewer = await gitea.user("reviewer");
  await gitea.api("PUT", "/repos/captain/boat/collaborators/reviewer", { permission: "write" });
  const config = join(gitea.folder, "captains-gitconfig");
  const login = Buffer.from(`captain:${gitea.token}`).toString("base64");
  writeFileSync(
    config,
    `[user]\n\tname = Ann\n\temail = ann@sea.example\n[http "${gitea.url}/"]\n\textraHeader = Authorization: Basic ${login}\n`,
  );
  Object.assign(process.env, { GIT_CONFIG_GLOBAL: config, GITEA_TOKEN: gitea.token, GITEA_SERVER_URL: gitea.url });
  fleet = await openFleet({ ships: 1, tasks: [{ id: "1", run: "mkdir -p out; echo pine > out/keel" }] });
  await execa("git", ["push", "-q", "--force", origin, "main"], { cwd: fleet.repo });
  await fleet.until("verified", ({ state }) => state === "verified");
});
afterAll(async () => {
  await fleet?.close();
  for (const name of CAPTAINS) delete process.env[name];
  await gitea?.close();
});

/** Types a verb that may take as long as the ship does. */
const typed = (...args: string[]) => execa(BIN, args, { reject: false, stdin: "ignore", timeout: 110_000 });
const pull = () => gitea.api("GET", "/repos/captain/boat/pulls/1");

test("a failed check and a reviewer's comment are mended by the fleet and pushed; the same makes no second task", async () => {
  const landed = await typed("land", "quay", "--yes", "--remote", origin);
  expect(landed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("made, a draft") });
  const before: string = (await pull()).head.sha;
  await gitea.api("POST", `/repos/captain/boat/statuses/${before}`, {
    context: "build",
    state: "failure",
    description: "no oak",
  });
  const remarks = { event: "COMMENT", body: "", comments: [{ path: "out/keel", body: "Why pine?", new_position: 1 }] };
  await gitea.api("POST", "/repos/captain/boat/pulls/1/reviews", remarks, reviewer);

  const command = "echo mended > out/keel-$TASK_ID";
  const fixed = await typed("land", "fix", "quay", "--yes", "--rehearsal", command);
  expect(fixed, fixed.stderr).toMatchObject({ exitCode: 0 });
  expect(fixed.stdout).toMatch(
    /^task 900001 is added: Mend what fails the check build\ntask 900002 is added: Answer the comment of reviewer on out\/keel:1\n\S+\/pulls\/1 {2}updated/,
  );
  const { tasks, tip, verified } = await fleet.status();
  expect(tasks.map(({ id, status, source }) => [id, status, source])).toEqual([
    ["1", "accepted", undefined],
    ["900001", "accepted", "pull:1"],
    ["900002", "accepted", "pull:1"],
  ]);
  expect(verified).toMatchObject({ commit: tip, exitCode: 0 });
  expect((await pull()).head.sha).toBe(tip);
  expect((await execa("git", ["show", `${tip}:out/keel-900002`], { cwd: fleet.folder.repo })).stdout).toBe("mended");

  // The comment is unresolved still, and no check has looked at the new commit.
  expect(await typed("land", "fix", "quay", "--yes")).toMatchObject({
    exitCode: 0,
    stdout: "nothing has come back that no task was made of",
  });
  expect((await fleet.status()).tasks).toHaveLength(3);
});
