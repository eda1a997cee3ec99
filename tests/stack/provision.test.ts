import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { diamond } from "../support/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

let captain: Captain;
beforeAll(async () => {
  captain = await openCaptain({ tasks: diamond(4, (id) => `mkdir -p out; cat deps/name > out/${id}`) });
});
afterAll(() => captain.close());

async function provisionWith(...provision: unknown[]): Promise<void> {
  const file = join(captain.plan, "voyage.json");
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), provision }));
}

/** Resolves to a ship's provision.log, of all its lives, as it came home. */
async function logAtHome(ship: string): Promise<string> {
  const folder = join(captain.voyage.root, "logs", ship);
  const lives = await readdir(folder).catch(() => []);
  const texts = lives.map((life) => readFile(join(folder, life, "provision.log"), "utf8").catch(() => ""));
  return (await Promise.all(texts)).join("");
}

const MAKE = 'echo /deps >> .git/info/exclude; mkdir -p deps; echo "made for $SHIP" | tee deps/name';

test("up names the ship, the step and what it said; the other ship sails, its output is home, and the tasks find what the steps made", async () => {
  await provisionWith(MAKE, { run: '[ "$SHIP" = ship-0 ] || { echo "no deps for $SHIP"; exit 3; }', timeoutSeconds: 60 });
  const up = await captain.up([], { reject: false });
  expect(up.exitCode).not.toBe(0);
  expect(String(up.all)).toMatch(/ship-1: provision step 2 of 2 .* ended with exit status 3: no deps for ship-1/);
  expect(String(up.all)).not.toMatch(/ship-0: provision step.*ended/);
  const { tasks } = await captain.until("verified", (s) => s.state === "verified");
  expect(new Set(tasks.map((task) => task.ship))).toEqual(new Set(["ship-0"]));
  await expect.poll(() => logAtHome("ship-0")).toContain("made for ship-0");
  await expect.poll(() => logAtHome("ship-1")).toContain("no deps for ship-1");
});

test("changed steps show in preview, run on every ship, once; up again changes nothing", async () => {
  await provisionWith(MAKE, "echo steps of the second plan");
  const preview = await captain.preview(["--diff"]);
  expect(String(preview.all)).toMatch(/steps of the second plan/);
  await captain.up();
  const runs = async (ship: string) => (await logAtHome(ship)).split("$ echo steps of the second plan").length - 1;
  await expect.poll(() => runs("ship-0")).toBe(1);
  await expect.poll(() => runs("ship-1")).toBe(1);
  await captain.up(["--expect-no-changes"]);
  expect(await runs("ship-0")).toBe(1);
});

test("a plan whose steps are no steps is refused before anything is made", async () => {
  await provisionWith("npm ci", 7, "", { run: "npm ci", timeoutSeconds: 0, twice: true });
  const preview = await captain.pulumi(["preview", ...captain.onStack], { reject: false });
  expect(String(preview.all)).toMatch(/provision\[1\]: must be a shell command, or \{"run", "timeoutSeconds"\}/);
  expect(String(preview.all)).toMatch(/provision\[2\]\.run: must not be empty/);
  expect(String(preview.all)).toMatch(/provision\[3\]\.timeoutSeconds: must be more than 0/);
  expect(String(preview.all)).toMatch(/provision\[3\].*twice/);
  await provisionWith();
  await captain.destroy();
  expect(await captain.processes()).toEqual([]);
});
