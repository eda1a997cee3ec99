import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { ship } from "../support/helm-voyage.ts";
import { failure, type Props } from "../support/voyage/resource.ts";
import { gated, type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

/** The name of the one ship. Its task does not end by itself, so that every test finds the crew in the middle of it. */
const NAME = "ship-0";
let quay: OpenVoyage;
let sprite: Props;
let crew: ReturnType<OpenVoyage["launch"]>;
beforeAll(async () => {
  quay = await openVoyage(gated("1"));
  await quay.workspace.create();
  await quay.helm.create();
});
beforeEach(async () => {
  sprite = await quay.sprite(NAME).create();
  crew = quay.launch(NAME, String(sprite.incarnation));
});
afterEach(async () => {
  await helmClient().forgetShip(quay.voyageId, NAME);
  await quay.sprites.remove(quay.spriteName(NAME));
});
afterAll(() => quay.close());

const row = () => helmClient().ship(quay.voyageId, NAME);
const task = async () => (await helmClient().voyage(quay.voyageId)).tasks[0];
/**
 * Resolves to the process ids of the supervisors on the ship. A process that a supervisor starts looks like one itself
 * for a moment, and is left out.
 */
async function supervisors(): Promise<string[]> {
  const found = (await quay.onShip(NAME, SUPERVISORS)).stdout.trim().split("\n").filter(Boolean);
  const parents = new Map(found.map((line) => line.split(" ") as [pid: string, parent: string]));
  return [...parents].filter(([, parent]) => !parents.has(parent)).map(([pid]) => pid);
}
const SUPERVISORS = `for at in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' <$at/cmdline)" in "node "*/supervisor.js*) echo "\${at#/proc/} $(sed 's/.*) . //' $at/stat | cut -d' ' -f1)" ;; esac
done 2>/dev/null; true`;
const atWork = () => expect.poll(async () => (await row()).task).toBe("1");

test("launched, and launched again: one crew, that goes on with its work", async () => {
  const outs = await crew.create();
  expect(outs).toMatchObject({ address: `sprite@${quay.spriteName(NAME)}`, present: true });
  await atWork();
  const before = await supervisors();
  const { epoch } = await row();
  expect(await crew.create()).toEqual(outs);
  expect(await supervisors()).toEqual(before);
  expect(before).toHaveLength(1);
  expect(await row()).toMatchObject({ task: "1", epoch, connected: true });
});

test("the ship's token and config are its own, 0600, and no process shows the token", async () => {
  await crew.create();
  const { stdout } = await quay.onShip(
    NAME,
    // Only builtins of the shell handle the token here, so that no process of the test itself shows it.
    `cd "$HOME/voyage/crew"; stat -c %a token config.json; read -r token < token
     seen=$(cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' ')
     case "$seen" in *"$token"*) echo shown;; *supervisor*) echo hidden;; esac`,
  );
  expect(stdout.trim().split("\n")).toEqual(["600", "600", "hidden"]);
});

test("other crew files: what is at work and stopped is said before; the crew hands its claim back, ends, and a new one starts on the same VM", async () => {
  const outs = await crew.create();
  await atWork();
  const [before] = await supervisors();
  const said = vi.spyOn(console, "log").mockReturnValue();
  await crew.check(outs);
  expect(said).not.toHaveBeenCalled();
  await crew.check(outs, { crewDigest: "two" });
  expect(said).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^warning: ship-0: task 1 .*is at work; it is stopped/));
  said.mockClear();
  await crew.check(outs, { provision: [{ run: "npm ci", timeoutSeconds: 60 }] });
  expect(said).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("the plan's provision steps have changed"));
  said.mockRestore();
  const changed = await crew.update(outs, { crewDigest: "two" });
  expect(changed).toMatchObject({ crewDigest: "two", incarnation: sprite.incarnation });
  const after = await supervisors();
  expect(after).toHaveLength(1);
  expect(after).not.toContain(before);
  await atWork();
  expect((await task())?.tries).toBe(0);
});

test("read: drift only while the ledger has work for the ship", async () => {
  const outs = await crew.create();
  await atWork();
  expect(await crew.read(outs)).toEqual(outs);
  // The helm by itself starts a crew again that was lost with its claim; this supervisor ends at once when that
  // happens.
  await quay.onShip(NAME, 'echo "process.exit(0)" > "$HOME/voyage/crew/supervisor.js"; tmux kill-server');
  await expect.poll(async () => (await row()).connected).toBe(false);
  const seen = await crew.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  expect((await crew.diff(seen!)).changes).toBe(true);

  await quay.helm.update(await quay.helm.create(), await quay.keep(await quay.planOf([{ id: "9" }])));
  await helmClient().releaseTask(quay.voyageId, "1", "test");
  await crew.update(seen!);
  const allDone = async () => (await helmClient().voyage(quay.voyageId)).state;
  await expect.poll(allDone).toBe("verified");
  await expect.poll(async () => (await row()).connected).toBe(false);
  expect(await crew.read(outs)).toEqual(outs);
  await quay.keep(quay.plan);
  await quay.helm.update(await quay.helm.create());
});

test("a VM that froze with its claim and its connections open is seen as away within three heartbeats, and woken by the helm in time to keep the claim", async () => {
  await crew.create();
  await atWork();
  const { epoch } = await row();
  await quay.sendToSleep(NAME);
  await expect.poll(async () => (await row()).connected).toBe(false);
  await expect.poll(async () => (await row()).connected).toBe(true);
  expect(await row()).toMatchObject({ state: "working", task: "1", epoch });
});

test("read: a crew that was fenced is drift, also while its connection is open, since nobody else starts another; up does, on the same VM", async () => {
  const outs = await crew.create();
  await atWork();
  // The tmux server is stopped first, because it would wake what is stopped in its panes.
  await quay.onShip(NAME, 'tmux list-panes -s -t =crew -F "#{pid} #{pane_pid}" > hung; kill -STOP $(cat hung)');
  await helmClient().fenceShip(quay.voyageId, NAME, String(sprite.incarnation), "test");
  const seen = await crew.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  await quay.onShip(NAME, "kill -CONT $(cat hung)");
  await crew.update(seen!);
  await atWork();
  expect(await row()).toMatchObject({ incarnation: sprite.incarnation, connected: true });
});

test("a launch puts on the ship what the crew needs, though whatever ran there has removed its whole home", async () => {
  const outs = await crew.create();
  await atWork();
  await quay.onShip(NAME, 'cd /; rm -rf "$HOME"/* "$HOME"/.[!.]*; tmux kill-server');
  await expect.poll(async () => (await row()).connected).toBe(false);
  const seen = await crew.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  await crew.update(seen!);
  await atWork();
  expect((await quay.onShip(NAME, 'cat "$HOME/voyage/synced/crew/config.json"')).stdout).toContain(quay.voyageId);
});

test("read: a ship that was fenced is drift also while no task is free: up brings it back", async () => {
  const outs = await crew.create();
  await atWork();
  await helmClient().fenceShip(quay.voyageId, NAME, String(sprite.incarnation), "test");
  // Another ship has the one task.
  const { token } = await helmClient().registerShip(quay.voyageId, "ship-9", "vm-9");
  const other = ship(`http://127.0.0.1:${(await helmClient().health()).port}`, token, "vm-9");
  const grant = await other.grant();
  expect(await row()).toMatchObject({ state: "fenced", hasWork: false });
  const seen = await crew.read(outs);
  expect(seen).toEqual({ ...outs, present: false });
  await crew.update(seen!);
  expect((await row()).state).not.toBe("fenced");
  await other.release(grant, false);
  await helmClient().forgetShip(quay.voyageId, "ship-9");
});

test("read with the helm down says nothing of the crew, and starts no helm; a ship that the helm does not know is not launched", async () => {
  const outs = await crew.create();
  await quay.killHelm();
  expect(await crew.read(outs)).toEqual(outs);
  await expect(helmClient().health()).rejects.toMatchObject({ code: "HELM_DOWN" });
  await quay.helm.create();
  await helmClient().forgetShip(quay.voyageId, NAME);
  expect(await crew.read(outs)).toMatchObject({ present: false });
});

test("read: a crew on an earlier incarnation is not this one's", async () => {
  const outs = await crew.create();
  expect(await crew.read({ ...outs, incarnation: "another" })).toMatchObject({ present: false });
});

test("a crew that ends before it reports: the ship is named with its last words, without waiting for the time-out, and recorded", async () => {
  const node = "#!/bin/sh\necho rats in the hold >&2; exit 1";
  await quay.onShip(
    NAME,
    `cd; mkdir -p .local/bin; printf '${node.replace("\n", "\\n")}\\n' > .local/bin/node; chmod +x .local/bin/node`,
  );
  const partly = await failure(crew.create());
  expect(partly).toMatchObject({
    id: `${quay.spriteName(NAME)}-crew`,
    message: expect.stringMatching(
      new RegExp(`${NAME}.*${quay.spriteName(NAME)}.*ended before it reported.*rats in the hold`, "s"),
    ),
    properties: { incarnation: sprite.incarnation, present: false },
  });
  await crew.remove(partly.properties);
  await expect(row()).rejects.toMatchObject({ code: "NO_SHIP" });
});

test("delete: the claim is handed back unharmed, the crew ends, the helm forgets the ship; the second time it is quiet", async () => {
  const outs = await crew.create();
  await atWork();
  await crew.remove(outs);
  expect(await task()).toMatchObject({ status: "pending", ship: null, tries: 0 });
  expect(await supervisors()).toEqual([]);
  await expect(row()).rejects.toMatchObject({ code: "NO_SHIP" });
  await crew.remove(outs);
});

test("delete of a ship asleep: it is woken and told; with the helm dead: that is started first", async () => {
  const outs = await crew.create();
  await atWork();
  await quay.sendToSleep(NAME);
  await quay.killHelm();
  await crew.remove(outs);
  expect(await task()).toMatchObject({ status: "pending", tries: 0 });
  expect(await supervisors()).toEqual([]);
});

test("delete when the VM is gone: its claim is free again", async () => {
  const outs = await crew.create();
  await atWork();
  await quay.sprites.remove(quay.spriteName(NAME));
  await crew.remove(outs);
  expect(await task()).toMatchObject({ status: "pending", ship: null });
  await expect(row()).rejects.toMatchObject({ code: "NO_SHIP" });
});

test("delete of an incarnation that was replaced does nothing to the crew of the new one", async () => {
  const outs = await crew.create();
  await quay.sprites.remove(quay.spriteName(NAME));
  const next = await quay.sprite(NAME).create();
  await crew.update(outs, { incarnation: next.incarnation });
  await atWork();
  await crew.remove(outs);
  await expect.poll(supervisors).toHaveLength(1);
  expect(await row()).toMatchObject({ task: "1", incarnation: next.incarnation, connected: true });
});
