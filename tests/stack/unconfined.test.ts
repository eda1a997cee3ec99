import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spriteName } from "../../lib/base/naming.ts";
import { harborHome } from "../../lib/base/paths.ts";
import { runningHarbor } from "../../lib/daemons/harbor.ts";
import { preflight } from "../../lib/preflight/preflight.ts";
import { diamond } from "../support/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

let captain: Captain;
let tools: string;
const { PATH = "" } = process.env;

/** Makes a PATH with the same programs, except bubblewrap. */
async function pathWithoutBwrap(): Promise<string> {
  const folders = PATH.split(":").filter((folder) => existsSync(join(folder, "bwrap")));
  await mkdir(join(tools, "bin"));
  // A name that is there already is an earlier folder's, which is found first.
  for (const folder of folders)
    for (const name of await readdir(folder))
      if (name !== "bwrap") await symlink(join(folder, name), join(tools, "bin", name)).catch(() => {});
  return [...PATH.split(":").filter((folder) => !folders.includes(folder)), join(tools, "bin")].join(":");
}

beforeAll(async () => {
  tools = await mkdtemp(join(tmpdir(), "ocb-"));
  process.env.PATH = await pathWithoutBwrap();
  const held = "timeout 20 sh -c 'until sprite-env curl /v1/tasks | grep -q ocaptain-crew; do sleep 0.1; done'";
  const tasks = diamond(4, (id) => `mkdir -p out && echo "$HOME $TMPDIR" > out/${id} && ${held}`);
  captain = await openCaptain({ tasks, config: { unconfined: true } });
});
afterAll(async () => {
  await captain.close();
  process.env.PATH = PATH;
  await rm(tools, { recursive: true, force: true });
});

/** Runs preflight as the program does. It makes nothing, so no engine is needed to see what it refuses. */
const wanted = (unconfined: boolean) =>
  preflight({ ...{ stack: captain.stack, plan: captain.plan, provider: "harbor", ships: 2 }, unconfined });

test("without bubblewrap a voyage is refused, and told of the setting", async () => {
  await expect(wanted(false)).rejects.toThrow(/bwrap: is not on PATH[\s\S]*unconfined true/);
  expect(await runningHarbor()).toBeUndefined();
});

test("with ocaptain:unconfined it sails to the end, warned; state knows nothing of the ships' folders", async () => {
  const up = await captain.up();
  expect(String(up.all)).toMatch(/warning: ships are not confined/);
  const status = await captain.until("verified", (s) => s.state === "verified");
  expect(status.tasks.every((task) => task.status === "accepted")).toBe(true);
  const seen = await execa("git", ["--git-dir", captain.voyage.repo, "show", `${captain.stack}:out/1`]);
  expect(seen.stdout).toMatch(new RegExp(`^${harborHome()}/s/(\\w+)/home ${harborHome()}/s/\\1/tmp$`));
  const resources = (await captain.state()).deployment.resources ?? [];
  expect(JSON.stringify(resources.filter(({ type }) => !type.startsWith("pulumi:")))).not.toContain(harborHome());
  await captain.up(["--expect-no-changes"]);
});

test("a voyage that wants confinement is refused while the harbor has ships without", async () => {
  await expect(wanted(true)).resolves.toMatchObject({ shipCount: 2 });
  await expect(wanted(false)).rejects.toThrow(/harbor: the harbor that runs .* does not confine its ships/);
});

test("a harbor that is killed leaves nothing for ever: up starts one, which ends what was left and goes on", async () => {
  const sprite = spriteName(captain.stack, await captain.voyageId(), "ship-0");
  await (await captain.sprites()).exec(sprite, ["sh", "-c", "setsid sleep 4321 >/dev/null 2>&1 &"]);
  const { pid } = (await runningHarbor())!;
  process.kill(pid, "SIGKILL");
  expect(await captain.processes("sleep 4321")).toHaveLength(1);
  await captain.up();
  expect(await runningHarbor()).toMatchObject({ unconfined: true });
  expect(await captain.processes("sleep 4321")).toEqual([]);
});

test("destroy leaves no process and no file of the ships", async () => {
  await captain.destroy();
  expect(await captain.processes()).toEqual([]);
  expect(await readdir(join(harborHome(), "s"))).toEqual([]);
});
