import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endKilledRehearsals, noteRehearsal } from "../../cli/plan/rehearse/earlier.ts";
import { ensureHarbor, runningHarbor, stopHarbor } from "../../lib/daemons/harbor.ts";

let folder: string;
const before = process.env.OCAPTAIN_HOME;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kr-"));
});
afterEach(async () => {
  process.env.OCAPTAIN_HOME = join(folder, "home");
  await stopHarbor();
  if (before === undefined) delete process.env.OCAPTAIN_HOME;
  else process.env.OCAPTAIN_HOME = before;
  await rm(folder, { recursive: true, force: true });
});

test("a rehearsal whose process was killed is ended by the next: its harbor and its folders; one that runs is left alone", async () => {
  const [home, scratch, captain] = ["home", "scratch", "captain"].map((name) => join(folder, name)) as [string, string, string];
  await mkdir(scratch);
  process.env.OCAPTAIN_HOME = home;
  await ensureHarbor({ latency: "none" });
  process.env.OCAPTAIN_HOME = captain;

  const forget = await noteRehearsal({ scratch, home }, captain);
  await endKilledRehearsals(captain);
  expect(existsSync(home) && existsSync(scratch)).toBe(true);
  await forget();
  expect(await readdir(captain)).toEqual([]);

  // A killed process leaves its note, and the kernel has taken its lock back.
  await mkdir(join(captain, "rehearsals"));
  await writeFile(join(captain, "rehearsals", "scratch.json"), JSON.stringify({ scratch, home }));
  await endKilledRehearsals(captain);
  expect(process.env.OCAPTAIN_HOME).toBe(captain);
  expect([existsSync(home), existsSync(scratch), await readdir(join(captain, "rehearsals"))]).toEqual([false, false, []]);
  process.env.OCAPTAIN_HOME = home;
  expect(await runningHarbor()).toBeUndefined();
});
