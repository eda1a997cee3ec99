import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spriteName, spritePrefix } from "../../lib/base/naming.ts";
import { knownHarbor } from "../../lib/daemons/harbor.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { type Captain, openCaptain } from "./captain.ts";

/** A task that never ends by itself, so that each test finds the ships in the middle of it. */
const endless = ["1", "2"].map((id) => ({
  id,
  run: `mkdir -p out; echo half > out/half-${id}; touch "$HOME/at-work"; until [ -e /nowhere ]; do sleep 0.2; done`,
}));

let captain: Captain;
let id: string;
beforeAll(async () => {
  captain = await openCaptain({ tasks: endless });
  await captain.up();
  id = await captain.voyageId();
  await atWork();
});
afterAll(() => captain.close());

const mutagen = () => voyageMutagen({ voyageId: id, provider: "harbor" });
const sprite = (ship: string) => spriteName(captain.stack, id, ship);
const onShip = async (ship: string, script: string) => (await captain.sprites()).exec(sprite(ship), ["sh", "-c", script]);
const mirrored = (ship: string, path: string) => readFile(join(captain.voyage.mirror(ship), path), "utf8");

/** Waits for both hands: a claim begins with a clean tree, which would remove a file written before. */
async function atWork(): Promise<void> {
  await captain.until("at work", (s) => s.ships.length === 2 && s.ships.every(({ task }) => task !== null));
  for (const ship of ["ship-0", "ship-1"])
    expect((await onShip(ship, "timeout 60 sh -c 'until [ -e \"$HOME/at-work\" ]; do sleep 0.1; done'")).exitCode).toBe(0);
}

/** Sends a ship's VM to sleep, as half a minute without activity would. */
async function fallAsleep(ship: string): Promise<void> {
  const { url, token } = knownHarbor() ?? { url: "", token: "" };
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${url}/__harbor/sprites/${sprite(ship)}/sleep`, {
    method: "POST",
    headers,
    body: JSON.stringify({ to: "warm" }),
    signal: AbortSignal.timeout(10_000),
  });
  expect(reply.status).toBe(204);
}

test("a ship asleep at destroy, with work not yet home: it is woken, the work comes home, then the VM goes; no process, session, VM or secret file is left, and what was delivered stays; up then sails on", async () => {
  await mutagen().stopDaemon();
  const { ships } = await captain.until("at work", () => true);
  await onShip("ship-0", 'echo "written on watch" > "$HOME/voyage/workspace/notes.txt"');
  await fallAsleep("ship-0");
  await captain.destroy();
  expect(await mirrored("ship-0", "notes.txt")).toBe("written on watch\n");
  for (const { ship, task } of ships) expect(await mirrored(ship, `out/half-${task}`)).toBe("half\n");
  expect(await captain.processes()).toEqual([]);
  const left = await execa("find", [process.env.OCAPTAIN_HOME as string, "-mindepth", "2", "-path", "*mutagen*"], {
    reject: false,
  });
  expect(left.stdout).toBe("");
  const branches = await execa("git", ["--git-dir", captain.voyage.repo, "branch", "--format=%(refname:short)"]);
  expect(branches.stdout.split("\n")).toContain(captain.stack);
  await captain.up();
  expect(await captain.voyageId()).toBe(id);
  await atWork();
});

test("a VM under our name that is not ours is neither adopted nor deleted, and said; work that cannot be brought home keeps its VM, until the captain gives it up by name", async () => {
  const sprites = await captain.sprites();
  await sprites.remove(sprite("ship-1"));
  await sprites.create(sprite("ship-1"), ["somebody-else"]);
  const up = await captain.up([], { reject: false });
  expect(String(up.all)).toMatch(new RegExp(`${sprite("ship-1")}.*is not this voyage's.*somebody-else`, "s"));

  await onShip("ship-0", 'ln -s /usr/bin/env "$HOME/voyage/workspace/important"'); // No sync carries an absolute link.
  const refused = await captain.destroy([], { reject: false });
  expect(refused.exitCode).not.toBe(0);
  expect(String(refused.all)).toMatch(/workspace of ship-0 could not be brought home.*important.*abandonUnsynced ship-0/s);
  expect(await sprites.get(sprite("ship-0"))).not.toBeNull();
  await captain.configure({ abandonUnsynced: "ship-0" });
  const destroy = await captain.destroy(["--run-program"], { reject: false });
  expect(await sprites.list(spritePrefix(captain.stack, id))).toEqual([sprite("ship-1")]);
  expect(String(destroy.all)).toMatch(new RegExp(`is not gone: sprite ${sprite("ship-1")}`));
  await sprites.remove(sprite("ship-1"));
  await captain.destroy();
  expect(await captain.processes()).toEqual([]);
});
