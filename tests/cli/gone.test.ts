import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { mutagenHome } from "../../lib/paths.ts";
import { type Fleet, ocaptain, openFleet } from "./fleet.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet({ ships: 1, tasks: [{ id: "1", run: 'echo "laying the keel"' }] });
});
afterAll(() => fleet.close());

const findings = async () =>
  JSON.parse((await ocaptain("doctor", "--json")).stdout).findings as {
    area: string;
    what: string;
    state: string;
    message: string;
    hint: string;
  }[];
const wrong = async () => (await findings()).filter((finding) => finding.state === "wrong");

test("a voyage at sea with nothing wrong: doctor says so, with the daemons and the voyage", async () => {
  await fleet.until("verified", (s) => s.state === "verified");
  const { stdout, exitCode } = await ocaptain("doctor");
  expect(stdout).toMatch(/✓ helm +process \d+, port \d+/);
  expect(stdout).toMatch(/✓ harbor +process \d+/);
  expect(stdout).toMatch(/✓ quay +verified/);
  expect(stdout).not.toContain("✗");
  expect(exitCode).toBe(0);
});

test("what a sink leaves is found, each with the command that helps", async () => {
  await fleet.sink();
  expect(await wrong()).toEqual([]);

  const stray = voyageMutagen({ voyageId: fleet.voyageId, provider: "harbor" });
  await stray.ensureDaemon();
  const home = mutagenHome(fleet.voyageId);
  expect(await wrong()).toEqual([
    expect.objectContaining({
      area: "leftovers",
      what: `sync daemon of ${fleet.voyageId}`,
      message: "runs, though voyage quay has sunk",
      hint: expect.stringContaining(home),
    }),
  ]);
  await stray.stopDaemon();
  expect(await wrong()).toMatchObject([{ what: home, hint: `rm -r ${home}` }]);
  await rm(home, { recursive: true });

  await fleet.sprites.create(fleet.spriteName("ship-7"), ["x"]);
  expect(await wrong()).toMatchObject([
    { what: `sprite ${fleet.spriteName("ship-7")}`, hint: "pulumi up -s quay && pulumi destroy -s quay" },
  ]);
  await fleet.sprites.remove(fleet.spriteName("ship-7"));

  const folder = `${dirname(fleet.folder.root)}/orphan`;
  await mkdir(`${folder}/repo.git`, { recursive: true });
  expect(await wrong()).toMatchObject([{ what: folder, message: expect.stringContaining("no voyage.json") }]);
  await rm(folder, { recursive: true });
});

test("a voyage that has sunk: its tasks and logs are there, and following ends by itself", async () => {
  expect((await ocaptain("status")).stdout).toMatch(/^quay {2}sunk {2}1\/1 accepted\n.*the fleet is gone/);
  expect(JSON.parse((await ocaptain("tasks", "--json")).stdout)).toMatchObject({
    from: "files",
    tasks: [{ id: "1", status: "accepted" }],
  });
  const { stdout, stderr, exitCode } = await ocaptain("logs", "-f");
  expect(stdout).toMatch(/ship-0 #1 \| laying the keel/);
  expect(stderr).toMatch(/no more logs will come/);
  expect(exitCode).toBe(0);
  const watched = await ocaptain("status", "--watch");
  expect(watched.stdout).toMatch(/^quay {2}sunk/);
  expect(watched.exitCode).toBe(0);
  expect((await ocaptain("retry", "1")).exitCode).toBe(1);
});

test("the value of a secret variable is not shown", async () => {
  process.env.GH_TOKEN = "a-very-secret-token";
  const { stdout } = await ocaptain("doctor");
  delete process.env.GH_TOKEN;
  expect(stdout).toMatch(/GH_TOKEN +is set/);
  expect(stdout).not.toContain("very-secret");
});
