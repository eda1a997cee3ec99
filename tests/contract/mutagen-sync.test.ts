import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { ship as shipOnTheWire } from "../support/helm-voyage.ts";
import { failure } from "../support/voyage/resource.ts";
import { aside, flush, hear, inConflict, mirrored, names, quay, sprite, workspace, write } from "./synced-ship.ts";

/** How a sync is made, looked at and mended. */

test("created twice there is one session, and it carries files both ways", async () => {
  const outs = await workspace.create();
  expect(await workspace.create()).toEqual(outs);
  expect(await names()).toEqual([outs.sessionName]);
  await write("ahoy");
  await writeFile(join(quay.folder.mirror("ship-0"), "orders.txt"), "steer north\n");
  await flush(outs);
  expect(await mirrored()).toBe("ahoy\n");
  expect((await quay.onShip("ship-0", 'cat "$HOME/voyage/workspace/orders.txt"')).stdout).toBe("steer north\n");
});

test("read tells what is there and changes nothing", async () => {
  const outs = await workspace.create();
  const seen = await workspace.read(outs);
  expect(seen).toEqual(outs);
  expect((await workspace.diff(seen!)).changes).toBe(false);
});

test("the sync daemon dead: not there for read, which starts none; up brings the same session back", async () => {
  const outs = await workspace.create();
  await write("before", "one");
  await flush(outs);
  await quay.killSyncDaemon();
  const seen = await workspace.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  expect(await quay.mutagen.running()).toBe(false);
  expect(await workspace.update(seen!)).toEqual(outs);
  await write("after", "two");
  await flush(outs);
  expect([await mirrored("one"), await mirrored("two")]).toEqual(["before\n", "after\n"]);
});

test("a sync daemon that does not answer is no error of a read: the session is not there", async () => {
  const outs = await workspace.create();
  const thaw = await quay.freezeSyncDaemon();
  try {
    expect(await workspace.read(outs)).toEqual({ ...outs, present: false });
  } finally {
    thaw();
  }
  await workspace.update(outs);
});

test("a session terminated behind our back: not there for read, made again by up, the mirror kept", async () => {
  const outs = await workspace.create();
  await write("kept");
  await flush(outs);
  await quay.mutagen.terminate(String(outs.sessionName));
  const seen = await workspace.read(outs);
  expect(seen).toMatchObject({ present: false });
  expect(await names()).toEqual([]);
  await workspace.update(seen!);
  expect(await names()).toEqual([outs.sessionName]);
  await flush(outs);
  expect(await mirrored()).toBe("kept\n");
});

test("another incarnation: the dead VM's tree is saved as refs/lost, and neither it nor its session reaches the new VM", async () => {
  // The ship is in the middle of a task, so that the lost tree has a grant to be based on.
  const life = String(sprite.incarnation);
  const { token } = await helmClient().registerShip(quay.voyageId, "ship-0", life);
  const call = shipOnTheWire(`http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`, token, life);
  await call.hello();
  const { task, epoch } = await call.grant();
  const outs = await workspace.create();
  await write("not yet committed");
  await flush(outs);

  await quay.sprites.remove(quay.spriteName("ship-0"));
  const next = await quay.sprite("ship-0").create();
  expect((await workspace.diff(outs, { incarnation: next.incarnation })).replaces).toEqual([]);
  const moved = await workspace.update(outs, { incarnation: next.incarnation });
  expect(moved.sessionName).not.toBe(outs.sessionName);
  expect(await names()).toEqual([moved.sessionName]);
  expect(await quay.git("show", `refs/lost/${task.id}/${epoch}:notes.txt`)).toBe("not yet committed");
  await flush(moved);
  expect(existsSync(join(quay.folder.mirror("ship-0"), "notes.txt"))).toBe(false);
  expect((await quay.onShip("ship-0", 'ls "$HOME/voyage/workspace"')).stdout).toBe("");
  expect((await helmClient().voyage(quay.voyageId)).tasks.find((row) => row.id === task.id)?.status).toBe("pending");
});

test("created for a ship that is asleep: it is woken", async () => {
  await quay.sendToSleep("ship-0");
  const outs = await workspace.create();
  await write("awake");
  await flush(outs);
  expect(await mirrored()).toBe("awake\n");
});

test("a mirror in conflict is not as it should be for read, and up settles it for the ship", async () => {
  const heard = hear();
  const outs = await workspace.create();
  await inConflict(outs);
  await quay.mutagen.ensureDaemon();
  await expect.poll(async () => (await quay.mutagen.get(String(outs.sessionName)))?.conflicts).toEqual(["notes.txt"]);
  const seen = await workspace.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  expect(await workspace.update(seen!)).toEqual(outs);
  expect(heard()).toMatch(/put aside in .*: notes\.txt$/);
  expect(await mirrored()).toBe("ship\n");
  expect(await aside("notes.txt")).toEqual(["captain\n"]);
  expect(await workspace.read(outs)).toEqual(outs);
});

test("a sync made anew: what the ship has changed or deleted meanwhile counts, and what the captain has otherwise is put aside", async () => {
  const heard = hear();
  const outs = await workspace.create();
  await write("then", "changed");
  await write("then", "deleted");
  await write("then", "same");
  await flush(outs);
  await quay.mutagen.terminate(String(outs.sessionName));
  await write("now", "changed");
  await quay.onShip("ship-0", 'cd "$HOME/voyage/workspace" && rm deleted && mkdir new && echo now > new/file');
  await writeFile(join(quay.folder.mirror("ship-0"), "captains"), "orders\n");
  await workspace.update({ ...outs, present: false });
  expect(heard()).toMatch(/put aside in .*: captains, changed, deleted$/);
  await flush(outs);
  const text = async () => (await quay.mutagen.get(String(outs.sessionName)))?.text;
  await expect.poll(text).toMatch(/^(watching|scanning)/);
  expect([await mirrored("changed"), await mirrored("same"), await mirrored("new/file")]).toEqual(["now\n", "then\n", "now\n"]);
  expect((await quay.onShip("ship-0", 'ls "$HOME/voyage/workspace"')).stdout).toBe("changed\nnew\nsame\n");
  expect([await aside("captains"), await aside("deleted"), await aside("changed"), await aside("same")]).toEqual([
    ["orders\n"],
    ["then\n"],
    ["then\n"],
    [],
  ]);
  expect(await names()).toEqual([outs.sessionName]);
});

test("what a ship handed back uncommitted outlives its VM: the next one's mirror is another, the old one is put aside", async () => {
  const outs = await workspace.create();
  await write("half a thought");
  await flush(outs);
  await quay.sprites.remove(quay.spriteName("ship-0"));
  const next = await quay.sprite("ship-0").create();
  await workspace.update(outs, { incarnation: next.incarnation });
  const left = join(quay.folder.ships, "left", "ship-0");
  const [aside, ...more] = await readdir(left);
  expect(more).toEqual([]);
  expect(aside).toContain(String(sprite.incarnation));
  expect(await readFile(join(left, aside ?? "", "notes.txt"), "utf8")).toBe("half a thought\n");
});

test("logs come home, one folder an incarnation; tasks go out, and a ship's own edit of them is put right", async () => {
  const life = String(sprite.incarnation);
  const logs = await quay.sync("ship-0", "logs", life).create();
  const tasks = await quay.sync("ship-0", "tasks", life).create();
  const there = `"$HOME/.claude/tasks/${quay.folder.taskList}/1.json"`;
  await quay.mutagen.flush(String(tasks.sessionName));
  await quay.onShip("ship-0", `echo '{"id":"1","status":"completed"}' > ${there}; echo line > "$HOME/voyage/logs/crew.log"`);
  await quay.mutagen.flush(String(logs.sessionName));
  await quay.mutagen.flush(String(tasks.sessionName));
  expect(await readFile(join(quay.folder.shipLogs("ship-0", life), "crew.log"), "utf8")).toBe("line\n");
  expect((await quay.onShip("ship-0", `cat ${there}`)).stdout).toBe(await readFile(join(quay.folder.tasks, "1.json"), "utf8"));
});

test("made means gone round: once create is back, tasks that were at the captain are on the ship", async () => {
  const life = String(sprite.incarnation);
  // There are so many files that a race could not bring the last of them over while the test looks.
  const list = join(quay.folder.tasksRoot, "many");
  await mkdir(list, { recursive: true });
  await Promise.all(Array.from({ length: 3_000 }, (_, i) => writeFile(join(list, `${i + 1}.json`), `{"id":"${i + 1}"}`)));
  try {
    const outs = await quay.sync("ship-0", "tasks", life).create();
    const count = 'ls "$HOME/.claude/tasks/many" | wc -l';
    expect((await quay.onShip("ship-0", count)).stdout.trim()).toBe("3000");
    // The same holds for a session that was terminated behind our back and made again.
    await quay.mutagen.terminate(String(outs.sessionName));
    await writeFile(join(list, "3001.json"), '{"id":"3001"}');
    await quay.sync("ship-0", "tasks", life).update({ ...outs, present: false });
    expect((await quay.onShip("ship-0", count)).stdout.trim()).toBe("3001");
  } finally {
    await rm(list, { recursive: true, force: true });
  }
});

test("a sync that cannot be made is recorded as partly made, so that destroy and the next up know of it", async () => {
  await mkdir(quay.folder.ships, { recursive: true });
  const sprites = quay.spriteName("ship-0");
  await quay.sprites.remove(sprites);
  const partly = await failure(workspace.create());
  expect(partly).toMatchObject({
    id: `${sprites}-workspace`,
    properties: { incarnation: sprite.incarnation, present: false, sessionName: expect.any(String) },
    reasons: [expect.stringContaining(`"${sprites}" is not there`)],
  });
  await workspace.remove(partly.properties);
});
