import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { crewRuns } from "../../lib/ship/crew-launch.ts";
import { ship as shipOnTheWire } from "../support/helm-voyage.ts";
import { failure, type Props } from "../support/voyage/resource.ts";
import { type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

let quay: OpenVoyage;
/** The ship's VM; `workspace` is one of its syncs. */
let sprite: Props;
let workspace: ReturnType<OpenVoyage["sync"]>;
beforeAll(async () => {
  quay = await openVoyage();
  await quay.workspace.create();
  await quay.helm.create();
});
beforeEach(async () => {
  sprite = await quay.sprite("ship-0").create();
  workspace = quay.sync("ship-0", "workspace", String(sprite.incarnation));
});
afterEach(async () => {
  await quay.faults();
  for (const { name } of (await quay.mutagen.running()) ? await quay.mutagen.list() : []) await quay.mutagen.terminate(name);
  await quay.sprites.remove(quay.spriteName("ship-0"));
  await rm(quay.folder.ships, { recursive: true, force: true });
});
afterAll(() => quay.close());

const names = async () => (await quay.mutagen.list()).map((session) => session.name);
const write = (text: string, file = "notes.txt") => quay.onShip("ship-0", `echo ${text} > "$HOME/voyage/workspace/${file}"`);
const mirrored = (file = "notes.txt") => readFile(join(quay.folder.mirror("ship-0"), file), "utf8");
const flush = (outs: Props) => quay.mutagen.flush(String(outs.sessionName));

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

test("delete brings home what no flush has carried yet, and then ends the session; the second time it is quiet", async () => {
  const outs = await workspace.create();
  await quay.killSyncDaemon();
  await write("last words");
  await workspace.remove(outs);
  expect(await mirrored()).toBe("last words\n");
  expect(await names()).toEqual([]);
  await workspace.remove(outs);
});

test("delete of a ship asleep wakes it", async () => {
  const outs = await workspace.create();
  await write("dreams");
  await quay.sendToSleep("ship-0");
  await workspace.remove(outs);
  expect(await mirrored()).toBe("dreams\n");
});

test("created for a ship that is asleep: it is woken", async () => {
  await quay.sendToSleep("ship-0");
  const outs = await workspace.create();
  await write("awake");
  await flush(outs);
  expect(await mirrored()).toBe("awake\n");
});

test("delete when the VM is gone: nothing to bring, the session ends, the mirror stays", async () => {
  const outs = await workspace.create();
  await write("kept");
  await flush(outs);
  await quay.sprites.remove(quay.spriteName("ship-0"));
  await workspace.remove(outs);
  expect(await names()).toEqual([]);
  expect(await mirrored()).toBe("kept\n");
});

test("delete of an incarnation that was replaced touches neither the new VM's session nor its files", async () => {
  const outs = await workspace.create();
  await quay.sprites.remove(quay.spriteName("ship-0"));
  const next = await quay.sprite("ship-0").create();
  const moved = await workspace.update(outs, { incarnation: next.incarnation });
  await write("new");
  await quay.sendToSleep("ship-0");
  await workspace.remove(outs);
  expect((await quay.sprites.get(quay.spriteName("ship-0")))?.status).toBe("warm"); // The VM was not even woken.
  expect(await names()).toEqual([moved.sessionName]);
  await quay.onShip("ship-0", "true");
  await flush(moved);
  expect(await mirrored()).toBe("new\n");
});

/** Keeps messages about files that were put aside from being printed, and returns a function that gives them. */
function hear(): () => string {
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  return () => said.mock.calls.flat().join("\n");
}

/** Resolves to the contents of the files of that name that were put aside for ship-0. */
const aside = async (file: string) => {
  const left = join(quay.folder.ships, "left", "ship-0");
  const found = await Promise.all(
    (await readdir(left).catch(() => [])).map((folder) => readFile(join(left, folder, file), "utf8").catch(() => null)),
  );
  return found.filter((text) => text !== null);
};

/** Lets both sides change the file while no sync runs. */
async function inConflict(outs: Props): Promise<void> {
  await write("same");
  await flush(outs);
  await quay.mutagen.stopDaemon();
  await write("ship");
  await writeFile(join(quay.folder.mirror("ship-0"), "notes.txt"), "captain\n");
}

test("delete of a mirror in conflict: the ship's side comes home, and the captain's is put aside", async () => {
  const heard = hear();
  const outs = await workspace.create();
  await inConflict(outs);
  await workspace.remove(outs);
  expect(heard()).toMatch(/^ship-0: .* put aside in .*left\/ship-0\/.*: notes\.txt$/);
  expect(await mirrored()).toBe("ship\n");
  expect(await aside("notes.txt")).toEqual(["captain\n"]);
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

test("delete ends a crew that the state does not know before it brings the tree home", async () => {
  const outs = await workspace.create();
  await busyCrew();
  await workspace.remove(outs);
  expect((await quay.sprites.exec(quay.spriteName("ship-0"), crewRuns)).exitCode).not.toBe(0);
  const last = (await quay.onShip("ship-0", 'cat "$HOME/voyage/workspace/count"')).stdout;
  expect([await mirrored("count"), await mirrored("last")]).toEqual([last, "bye\n"]);
});

/**
 * Starts a crew, of which no resource knows, that writes into the tree without end and writes a last word when it is
 * stopped.
 */
async function busyCrew(): Promise<void> {
  const last = 'trap "echo bye >\\"$HOME/voyage/workspace/last\\"; exit" HUP; i=0';
  const work = `${last}; while :; do i=$((i+1)); echo $i > "$HOME/n"; mv "$HOME/n" "$HOME/voyage/workspace/count"; sleep 0.05; done`;
  await quay.onShip("ship-0", `tmux new-session -d -s crew '${work}'`);
  await quay.onShip("ship-0", 'until [ -e "$HOME/voyage/workspace/count" ]; do sleep 0.05; done');
}

describe("a VM of whose syncs and crew the state knows nothing", () => {
  const vm = () => quay.sprite("ship-0");

  test("its crew is stopped and its tree is brought home before it is deleted", async () => {
    await busyCrew();
    await vm().remove(sprite);
    expect(await quay.sprites.get(quay.spriteName("ship-0"))).toBeNull();
    expect(await mirrored("last")).toBe("bye\n");
  });

  test("that never had a sync: the same", async () => {
    await write("precious");
    await vm().remove(sprite);
    expect(await mirrored()).toBe("precious\n");
  });

  test("with work of after its last way home: that is brought home too", async () => {
    hear();
    const outs = await workspace.create();
    await write("before");
    await workspace.remove(outs);
    await write("after");
    await vm().remove(sprite);
    expect(await mirrored()).toBe("after\n");
  });

  test("that holds folders and files which cannot be read: they are opened and brought home", async () => {
    await quay.onShip(
      "ship-0",
      'cd "$HOME/voyage/workspace" && git init -q && mkdir -p dark/er && echo deep > dark/er/file && echo shut > shut',
    );
    await quay.onShip("ship-0", 'cd "$HOME/voyage/workspace" && chmod 000 shut dark/er dark .');
    await vm().remove(sprite);
    expect(await quay.sprites.get(quay.spriteName("ship-0"))).toBeNull();
    expect([await mirrored("dark/er/file"), await mirrored("shut")]).toEqual(["deep\n", "shut\n"]);
  });

  test("that holds what cannot be brought home stays, and is named with the way out; abandonUnsynced gives it up", async () => {
    await quay.onShip("ship-0", 'cd "$HOME/voyage/workspace" && git init -q && ln -s /usr/bin/env important');
    await expect(vm().remove(sprite)).rejects.toThrow(
      new RegExp(
        `could not be brought home, so its VM ${quay.spriteName("ship-0")} stays.*important.*abandonUnsynced ship-0`,
        "s",
      ),
    );
    expect(await quay.sprites.get(quay.spriteName("ship-0"))).not.toBeNull();
    const print = vi.spyOn(console, "error").mockImplementation(() => {});
    await vm().with({ abandonUnsynced: "ship-0" }).remove(sprite);
    expect(print.mock.calls.join()).toMatch(/workspace of ship-0 [\s\S]*given up[\s\S]*important/);
    print.mockRestore();
    expect(await quay.sprites.get(quay.spriteName("ship-0"))).toBeNull();
  });

  test("that cannot be looked at stays, and is named", async () => {
    await quay.faults({ on: "exec", kind: "unavailable", times: 9 });
    await expect(vm().remove(sprite)).rejects.toThrow(/ship-0 may hold work that is not home, so its VM \S+ stays.*503/s);
    await quay.faults();
    expect(await quay.sprites.get(quay.spriteName("ship-0"))).not.toBeNull();
  });

  test("whose tree is home, or empty, goes without a sync", async () => {
    const outs = await workspace.create();
    await write("home");
    await workspace.remove(outs);
    await quay.mutagen.stopDaemon();
    await vm().remove(sprite);
    expect(await quay.mutagen.running()).toBe(false);
    const next = await vm().create();
    await vm().remove(next);
    expect(await quay.mutagen.running()).toBe(false);
  });
});

test("delete that cannot bring the work home fails naming file and way out; abandonUnsynced gives it up", async () => {
  const outs = await workspace.create();
  await quay.onShip("ship-0", 'cd "$HOME/voyage/workspace" && git init -q && ln -s /usr/bin/env notes.txt');
  await expect(workspace.remove(outs)).rejects.toThrow(
    /workspace of ship-0 could not be brought home.*notes\.txt.*abandonUnsynced/s,
  );
  await workspace
    .with({ abandonUnsynced: "ship-3" })
    .remove(outs)
    .then(
      () => expect.unreachable("another ship's name gave it up"),
      () => {},
    );
  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  await workspace.with({ abandonUnsynced: '["ship-1","ship-0"]' }).remove(outs);
  expect(print.mock.calls.join()).toMatch(/given up[\s\S]*notes\.txt[\s\S]*pulumi config rm ocaptain:abandonUnsynced -s quay$/);
  print.mockRestore();
  expect(await names()).toEqual([]);
});

test("abandonUnsynced is no excuse: what can be brought home is, also when the ship is named", async () => {
  const outs = await workspace.create();
  await quay.killSyncDaemon();
  await write("named, and home all the same");
  await workspace.with({ abandonUnsynced: "ship-0" }).remove(outs);
  expect(await mirrored()).toBe("named, and home all the same\n");
});

test("what no sync carries keeps a VM only when it is work: an ignored absolute link does not, a new one does", async () => {
  const outs = await workspace.create();
  const inTree = (script: string) => quay.onShip("ship-0", `cd "$HOME/voyage/workspace" && ${script}`);
  await inTree("git init -q && echo venv > .gitignore && mkdir venv && ln -s /usr/bin/python3 venv/python");
  await inTree("ln -s /usr/bin/env important");
  await expect(workspace.remove(outs)).rejects.toThrow(/could not be brought home.*important/s);
  await inTree("rm important");
  await workspace.remove(outs);
  expect(await mirrored(".gitignore")).toBe("venv\n");
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
