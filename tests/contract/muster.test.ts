import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as host from "../../dynamic-providers/host.ts";
import { ensureHarbor, runningHarbor } from "../../lib/harbor-daemon.ts";
import { mutagenHome, ocaptainHome } from "../../lib/paths.ts";
import { killHarbor, type OpenVoyage, openVoyage } from "./voyage.ts";

let quay: OpenVoyage;
beforeEach(async () => {
  quay = await openVoyage();
});
afterEach(() => quay.close());

test("who a voyage is, is minted once: created again, and updated, it is the same one", async () => {
  expect(quay.mustered).toMatchObject({ voyageId: expect.stringMatching(/^[0-9a-f]{6}$/), present: true });
  expect(await quay.muster.create()).toEqual(quay.mustered);
  expect(await quay.muster.update(quay.mustered)).toEqual(quay.mustered);
});

test("read changes nothing, and finds nothing to change", async () => {
  const before = await readFile(quay.folder.voyageFile, "utf8");
  const seen = await quay.muster.read(quay.mustered);
  expect(seen).toEqual(quay.mustered);
  expect((await quay.muster.diff(seen!)).changes).toBe(false);
  expect(await readFile(quay.folder.voyageFile, "utf8")).toBe(before);
});

test("the captain's folder lost: read says so, writes nothing, and up gives it the same id and nonce", async () => {
  await rm(quay.folder.root, { recursive: true });
  const seen = await quay.muster.read(quay.mustered);
  expect(seen).toEqual({ ...quay.mustered, present: false });
  expect(existsSync(quay.folder.voyageFile)).toBe(false);
  expect((await quay.muster.diff(seen!)).changes).toBe(true);
  expect(await quay.muster.update(seen!)).toEqual(quay.mustered);
  expect(JSON.parse(await readFile(quay.folder.voyageFile, "utf8"))).toMatchObject({ voyageId: quay.voyageId });
});

test("a broken voyage.json is named, and nothing is guessed", async () => {
  await writeFile(quay.folder.voyageFile, "{");
  await expect(quay.muster.read(quay.mustered)).rejects.toThrow(/voyage\.json is broken/);
  await expect(quay.muster.update(quay.mustered)).rejects.toThrow(/voyage\.json is broken/);
});

test("another captain's machine is refused in read, update and delete, with the way to hand over", async () => {
  await writeFile(`${ocaptainHome()}/captain`, "000000000001\n");
  const refused = new RegExp(`sailed by captain ${quay.mustered.captainId}.*pulumi config set ocaptain:handover`, "s");
  await expect(quay.muster.read(quay.mustered)).rejects.toThrow(refused);
  await expect(quay.muster.update(quay.mustered)).rejects.toThrow(refused);
  await expect(quay.muster.remove(quay.mustered)).rejects.toThrow(refused);
});

test("handed over: the next up takes the voyage on, and then needs no such word any more", async () => {
  await writeFile(`${ocaptainHome()}/captain`, "000000000001\n");
  const handed = quay.muster.with({ handover: String(quay.mustered.captainId) });
  const seen = await handed.read(quay.mustered);
  expect((await handed.diff(seen!)).changes).toBe(true);
  const mine = await handed.update(seen!);
  expect(mine).toMatchObject({ captainId: "000000000001", voyageId: quay.voyageId, present: true });
  expect(await quay.muster.read(mine)).toEqual(mine);
});

test("delete is the proof: it fails with all that is left, and leaves that alone", async () => {
  await quay.workspace.create();
  await quay.helm.create();
  const theirs = quay.spriteName("ship-7");
  await quay.sprites.create(theirs, ["theirs"]);
  await quay.mutagen.ensureDaemon();
  await expect(quay.muster.remove(quay.mustered)).rejects.toThrow(
    new RegExp(`is not gone: sprite ${theirs}, sync daemon of voyage ${quay.voyageId}, voyage ${quay.voyageId} at the helm`),
  );
  expect(await quay.sprites.get(theirs)).not.toBeNull();
  await quay.sprites.remove(theirs);
});

test("a VM of ours that an interrupted up never recorded is swept; one with a mirror may hold work, and stays", async () => {
  const swept = await quay.sprite("ship-0").create();
  const kept = await quay.sprite("ship-1").create();
  await mkdir(dirname(quay.folder.mirror("ship-1")), { recursive: true });
  await writeFile(`${quay.folder.mirror("ship-1")}.incarnation`, String(kept.incarnation));
  await expect(quay.muster.remove(quay.mustered)).rejects.toThrow(`is not gone: sprite ${kept.name} `.trim());
  expect(await quay.sprites.list(`${quay.stack}-${quay.voyageId}-`)).toEqual([kept.name]);
  expect(await quay.sprites.get(String(swept.name))).toBeNull();
  await quay.sprites.remove(String(kept.name));
});

test("a VM of ours that is in no state and holds work stays, until its work is given up by name", async () => {
  const kept = await quay.sprite("ship-0").create();
  await quay.onShip("ship-0", 'echo precious > "$HOME/voyage/workspace/notes.txt"');
  await expect(quay.muster.remove(quay.mustered)).rejects.toThrow(`is not gone: sprite ${kept.name} `.trim());
  await quay.muster.with({ abandonUnsynced: "ship-0" }).remove(quay.mustered);
  await ensureHarbor();
  expect(await quay.sprites.get(String(kept.name))).toBeNull();
});

test("delete ends the voyage's sync daemon and the harbor, and keeps the captain's folder; the voyage sails again under its old id", async () => {
  await quay.mutagen.ensureDaemon();
  await quay.muster.remove(quay.mustered);
  expect(await quay.mutagen.running()).toBe(false);
  expect(existsSync(mutagenHome(quay.voyageId))).toBe(false);
  expect(await runningHarbor()).toBeUndefined();
  expect(await quay.muster.read(quay.mustered)).toMatchObject({ present: false });
  await quay.muster.remove(quay.mustered);
  expect(await quay.muster.create()).toEqual(quay.mustered);
  expect(JSON.parse(await readFile(quay.folder.voyageFile, "utf8")).sunkAt).toBeUndefined();
});

test("a harbor with somebody else's ship is not ended", async () => {
  await quay.sprites.create("other-000000-ship-0", ["theirs"]);
  await quay.muster.remove(quay.mustered);
  expect(await runningHarbor()).toBeDefined();
  await quay.sprites.remove("other-000000-ship-0");
});

test("keepWorkspace false: the captain's folder goes with the fleet, and not before it is proved gone", async () => {
  const sinking = quay.muster.with({ keepWorkspace: "false" });
  await quay.workspace.create();
  const left = quay.spriteName("ship-0");
  await quay.sprites.create(left, ["theirs"]);
  await expect(sinking.remove(quay.mustered)).rejects.toThrow(left);
  expect(existsSync(quay.folder.repo)).toBe(true);
  await quay.sprites.remove(left);
  await sinking.remove(quay.mustered);
  expect(existsSync(quay.folder.root)).toBe(false);
});

test("a dead harbor at delete is started to be asked: nothing is taken for gone unseen", async () => {
  const ours = await quay.sprite("ship-0").create();
  await mkdir(dirname(quay.folder.mirror("ship-0")), { recursive: true });
  await writeFile(`${quay.folder.mirror("ship-0")}.incarnation`, String(ours.incarnation));
  await killHarbor();
  await expect(quay.muster.remove(quay.mustered)).rejects.toThrow(String(ours.name));
  await ensureHarbor();
  await quay.sprites.remove(String(ours.name));
});

test("the provider cannot be exchanged under a fleet: refused, in preview too, with the way", async () => {
  const { failures } = await host.check("muster", {}, quay.muster.inputs({ provider: "sprites" }) as never, quay.mustered);
  expect(failures).toEqual([{ property: "provider", reason: expect.stringMatching(/harbor sails: pulumi destroy/) }]);
  expect((await host.check("muster", {}, quay.muster.inputs() as never, quay.mustered)).failures).toEqual([]);
});
