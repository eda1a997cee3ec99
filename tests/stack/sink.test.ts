import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { spriteName } from "../../lib/base/naming.ts";
import { knownHarbor } from "../../lib/daemons/harbor.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { type Captain, openCaptain } from "./captain.ts";

/** A task that never ends by itself, so that each test finds the ship in the middle of it. */
const endless = [{ id: "1", run: "mkdir -p out; echo half > out/half; until [ -e /nowhere ]; do sleep 0.2; done" }];

let captain: Captain;
let sprite: string;
let id: string;
beforeEach(async () => {
  captain = await openCaptain({ tasks: endless, config: { ships: 1 } });
  await captain.up();
  id = await captain.voyageId();
  sprite = spriteName(captain.stack, id, "ship-0");
  await captain.until("at work", (s) => s.ships[0]?.task === "1");
  // A claim begins with a clean tree, which would remove a file written before the hand is at work.
  expect((await onShip("timeout 20 sh -c 'until [ -e \"$HOME/voyage/workspace/out/half\" ]; do sleep 0.1; done'")).exitCode).toBe(
    0,
  );
});
afterEach(() => captain.close());

const mutagen = () => voyageMutagen({ voyageId: id, provider: "harbor" });
const onShip = async (script: string) => (await captain.sprites()).exec(sprite, ["sh", "-c", script]);
const mirrored = (path: string) => readFile(join(captain.voyage.mirror("ship-0"), path), "utf8");

/** Sends the ship's VM to sleep, as half a minute without activity would. */
async function fallAsleep(): Promise<void> {
  const { url, token } = knownHarbor() ?? { url: "", token: "" };
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${url}/__harbor/sprites/${sprite}/sleep`, {
    method: "POST",
    headers,
    body: JSON.stringify({ to: "warm" }),
    signal: AbortSignal.timeout(10_000),
  });
  expect(reply.status).toBe(204);
}

test("a ship asleep at destroy, with work not yet home: it is woken, the work comes home, then the VM goes; no process, session, VM or secret file is left, and what was delivered stays; up then sails on", async () => {
  await mutagen().stopDaemon();
  await onShip('echo "written on watch" > "$HOME/voyage/workspace/notes.txt"');
  await fallAsleep();
  await captain.destroy();
  expect(await mirrored("notes.txt")).toBe("written on watch\n");
  expect(await mirrored("out/half")).toBe("half\n");
  expect(await captain.processes()).toEqual([]);
  const left = await execa("find", [process.env.OCAPTAIN_HOME as string, "-mindepth", "2", "-path", "*mutagen*"], {
    reject: false,
  });
  expect(left.stdout).toBe("");
  const branches = await execa("git", ["--git-dir", captain.voyage.repo, "branch", "--format=%(refname:short)"]);
  expect(branches.stdout.split("\n")).toContain(captain.stack);
  await captain.up();
  expect(await captain.voyageId()).toBe(id);
  await captain.until("at work again", (s) => s.ships[0]?.task === "1");
  await captain.destroy();
});

test("work that cannot be brought home keeps its VM, until the captain gives it up by name", async () => {
  await onShip('ln -s /usr/bin/env "$HOME/voyage/workspace/important"'); // No sync carries an absolute link.
  const refused = await captain.destroy([], { reject: false });
  expect(refused.exitCode).not.toBe(0);
  expect(String(refused.all)).toMatch(/workspace of ship-0 could not be brought home.*important.*abandonUnsynced ship-0/s);
  expect(await (await captain.sprites()).get(sprite)).not.toBeNull();
  await captain.configure({ abandonUnsynced: "ship-0" });
  await captain.destroy(["--run-program"]);
  expect(await captain.processes()).toEqual([]);
});

test("a VM under our name that is not ours is neither adopted nor deleted, and said", async () => {
  const sprites = await captain.sprites();
  await sprites.remove(sprite);
  await sprites.create(sprite, ["somebody-else"]);
  const up = await captain.up([], { reject: false });
  expect(String(up.all)).toMatch(new RegExp(`${sprite}.*is not this voyage's.*somebody-else`, "s"));
  const destroy = await captain.destroy([], { reject: false });
  expect(String(destroy.all)).toMatch(new RegExp(`is not gone: sprite ${sprite}`));
  expect(await sprites.get(sprite)).not.toBeNull();
  await sprites.remove(sprite);
  await captain.destroy();
});
