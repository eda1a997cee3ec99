import { describe, expect, test, vi } from "vitest";
import { crewRuns } from "../../lib/ship/crew-launch.ts";
import { aside, flush, hear, inConflict, mirrored, names, quay, sprite, workspace, write } from "./synced-ship.ts";

/**
 * How the end of a sync, or of its VM, brings home what is on the ship, and what becomes of what cannot be brought.
 */

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

test("delete of a mirror in conflict: the ship's side comes home, and the captain's is put aside", async () => {
  const heard = hear();
  const outs = await workspace.create();
  await inConflict(outs);
  await workspace.remove(outs);
  expect(heard()).toMatch(/^ship-0: .* put aside in .*left\/ship-0\/.*: notes\.txt$/);
  expect(await mirrored()).toBe("ship\n");
  expect(await aside("notes.txt")).toEqual(["captain\n"]);
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
