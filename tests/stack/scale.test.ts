import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spritePrefix } from "../../lib/base/naming.ts";
import { settingIn } from "../../lib/voyage/settings-file.ts";
import { reachLoopback } from "../../tools/language-host/loopback.mjs";
import { BIN } from "../support/ocaptain.ts";
import { type Captain, openCaptain } from "./captain.ts";

const tasks = ["1", "2", "3", "4", "5"].map((id) => ({
  id,
  run: `touch "$HOME/at-work"; until [ -e "$HOME/go" ]; do sleep 0.2; done; mkdir -p out; echo ${id} > out/${id}`,
}));

let captain: Captain;
let settingsFile: string;
beforeAll(async () => {
  captain = await openCaptain({ tasks });
  settingsFile = join(captain.folder, `Pulumi.${captain.stack}.yaml`);
  // The shell is behind a proxy that leads nowhere, and has a temporary folder of its own, which is removed with it.
  const shell = await mkdtemp(join(tmpdir(), "oc-shell-"));
  const proxies = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
  const behind = Object.fromEntries(proxies.map((name) => [name, "http://127.0.0.1:9"]));
  Object.assign(captain.env, behind, reachLoopback(behind), { NODE_USE_ENV_PROXY: "1", TMPDIR: shell });
  // Providers see the variable, and not --config-file: so the voyage notes which settings it was sailed by.
  Object.assign(captain.env, { PULUMI_OPTION_CONFIG_FILE: settingsFile });
  await captain.up();
  await rm(shell, { recursive: true });
  Object.assign(captain.env, { TMPDIR: tmpdir() });
  // The voyage needs neither its plan's folder nor the repository that it came from any more.
  for (const origin of [captain.plan, captain.repo]) await rename(origin, `${origin}-moved`);
});
afterAll(() => captain.close());

const fleet = async () =>
  (await (await captain.sprites()).list(spritePrefix(captain.stack, await captain.voyageId())))
    .map((name) => name.slice(-6))
    .sort();

/** Runs `ocaptain` from the root of all folders, without a terminal, in a shell that names no settings. */
const ocaptain = (...args: string[]) => {
  const env = { ...captain.env, PULUMI_OPTION_CONFIG_FILE: undefined };
  return execa(BIN, args, { cwd: "/", env, reject: false, stdin: "ignore", timeout: 120_000 });
};
const onShip = async (ship: string, ...command: string[]) =>
  (await captain.sprites()).exec(`${spritePrefix(captain.stack, await captain.voyageId())}${ship}`, command);
const settings = () => ["ships", "withoutShips"].map((key) => settingIn(settingsFile, key));

test("2 → 4: the new ships claim too, the old ones are left alone", async () => {
  const before = await captain.until("at work", (s) => s.ships.filter((ship) => ship.task).length === 2);
  const scaled = await ocaptain("scale", "4");
  expect(scaled).toMatchObject({ exitCode: 0, stdout: "sea has 4 ships, ship-0, ship-1, ship-2, ship-3 (came: ship-2, ship-3)" });
  expect(settings()).toEqual(["4", ""]);
  const after = await captain.until("at work with four", (s) => s.ships.filter((ship) => ship.task).length === 4);
  expect(await fleet()).toEqual(["ship-0", "ship-1", "ship-2", "ship-3"]);
  for (const ship of before.ships) expect(after.ships.find((row) => row.ship === ship.ship)?.incarnation).toBe(ship.incarnation);
});

test("4 → 3: `ocaptain scale` stops no task unasked, and with --drain takes the first ship that is through, also the lowest", async () => {
  const refused = await ocaptain("scale", "3");
  expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
  expect(refused.stderr).toMatch(/nobody can be asked here whether this may be stopped: task \d \(Task \d\) on ship-3/);
  expect(settings()).toEqual(["4", ""]);
  const draining = ocaptain("scale", "3", "--drain");
  await new Promise<void>((resolve) =>
    draining.stderr.on("data", (text) => String(text).includes("waits for task") && resolve()),
  );
  await onShip("ship-0", "sh", "-c", 'touch "$HOME/go"');
  const drained = await draining;
  expect(drained).toMatchObject({ exitCode: 0, stdout: "sea has 3 ships, ship-1, ship-2, ship-3 (went: ship-0)" });
  expect(settings()).toEqual(["3", "0"]);
  expect(await fleet()).toEqual(["ship-1", "ship-2", "ship-3"]);
  const { tasks } = await captain.helm().voyage(await captain.voyageId());
  // No claim was ended and begun anew.
  expect(tasks.map(({ epoch }) => epoch)).toEqual([1, 1, 1, 1, 1]);
});

test("3 → 1: the others hand their claims back and are gone", async () => {
  const id = await captain.voyageId();
  // A claim begins with a clean tree, which would remove a file written before the hand is at work.
  const atWork = "timeout 20 sh -c 'until [ -e \"$HOME/at-work\" ]; do sleep 0.1; done'";
  await onShip("ship-3", "sh", "-c", `${atWork}; echo half > "$HOME/voyage/workspace/half-done"`);
  await captain.configure({ ships: 1, withoutShips: "0" });
  const held = (await captain.helm().voyage(id)).ships;
  const up = await captain.up();
  for (const { ship, task } of held.filter((row) => row.task && row.ship !== "ship-1"))
    expect(String(up.all)).toContain(`${ship}: task ${task} (Task ${task})`);
  expect(await fleet()).toEqual(["ship-1"]);
  const status = await captain.until("one at work", (s) => s.tasks.filter((task) => task.status === "claimed").length === 1);
  expect(status.ships.map((ship) => ship.ship)).toEqual(["ship-1"]);
  expect(status.tasks.every((task) => task.tries === 0)).toBe(true);
  // The work that a retired ship had written is home.
  expect((await execa("cat", [`${captain.voyage.mirror("ship-3")}/half-done`])).stdout).toBe("half");
});

test("the last ship does all the rest", async () => {
  await onShip("ship-1", "sh", "-c", 'touch "$HOME/go"');
  await captain.until("verified", (s) => s.state === "verified");
});
