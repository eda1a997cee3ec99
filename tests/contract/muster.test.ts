import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as host from "../../dynamic-providers/host.ts";
import type { Settings } from "../../dynamic-providers/lifecycle.ts";
import { mutagenHome, ocaptainHome } from "../../lib/base/paths.ts";
import { ensureHarbor, runningHarbor } from "../../lib/daemons/harbor.ts";
import type { Props } from "../support/voyage/resource.ts";
import { killHarbor, type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

let quay: OpenVoyage;
beforeEach(async () => {
  quay = await openVoyage();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await quay.close();
});

test("who a voyage is, is minted once: created again, and updated, it is the same one", async () => {
  expect(quay.mustered).toMatchObject({ voyageId: expect.stringMatching(/^[0-9a-f]{6}$/), present: true });
  const again = await quay.muster.create();
  expect(again).toEqual({ ...quay.mustered, stateId: expect.stringMatching(/^[0-9a-f]{12}$/) });
  expect(await quay.muster.update(again)).toEqual(again);
  // Two states never share a voyage, not even when the first has done no more than this.
  await expect(quay.muster.read(quay.mustered)).rejects.toThrow("was adopted by another Pulumi state");
});

test("read changes nothing, and finds nothing to change", async () => {
  const before = await readFile(quay.folder.voyageFile, "utf8");
  const seen = await quay.muster.read(quay.mustered);
  expect(seen).toEqual(quay.mustered);
  expect((await quay.muster.diff(seen!)).changes).toBe(false);
  expect(await readFile(quay.folder.voyageFile, "utf8")).toBe(before);
});

/** The error that `pulumi preview` shows for the voyage, or null. `known` says whether the state has its Muster. */
async function previewed(known: boolean, settings: Settings = {}): Promise<string | null> {
  const inputs = quay.muster.inputs();
  return (await host.check("muster", settings, inputs, known ? inputs : {})).failures[0]?.reason ?? null;
}

test("the captain's folder lost: read says so and makes nothing; an up is refused, in preview too; a destroy goes on, and then another voyage begins", async () => {
  await quay.workspace.create();
  await rm(quay.folder.root, { recursive: true });
  const seen = await quay.muster.read(quay.mustered);
  expect(seen).toEqual({ ...quay.mustered, present: false });
  expect(existsSync(quay.folder.voyageFile)).toBe(false);
  const refused = /quay is not there, the folder of a voyage that this state sails[\s\S]*hint: .*pulumi destroy -s quay/;
  expect(await previewed(true)).toMatch(refused);
  await expect(quay.muster.update(seen!)).rejects.toThrow(refused);
  await quay.muster.remove(seen!);
  expect((await quay.muster.create()).voyageId).not.toBe(quay.voyageId);
});

test("voyage.json alone lost: the folder is not called gone; an up is refused, and a destroy goes on", async () => {
  await quay.workspace.create();
  await rm(quay.folder.voyageFile);
  const refused =
    /quay holds a voyage, and no voyage.json that says which[\s\S]*pulumi destroy -s quay[\s\S]*mv \S+quay \S+quay\.old/;
  expect(await previewed(true)).toMatch(refused);
  expect(await previewed(false)).toMatch(/hint: put that file back; or put the folder aside/);
  await quay.muster.remove((await quay.muster.read(quay.mustered))!);
  expect(existsSync(quay.folder.repo)).toBe(true);
});

test("a voyage at sea that the state does not know is refused, in preview too, until it is adopted; then the state that had it is", async () => {
  await quay.workspace.create();
  const refused = new RegExp(`voyage ${quay.voyageId} .* is at sea [\\s\\S]*config set ocaptain:adopt ${quay.voyageId} -s quay`);
  expect(await previewed(false)).toMatch(refused);
  expect(await previewed(false, { adopt: "000000" })).toMatch(refused);
  await expect(quay.muster.create()).rejects.toThrow(refused);

  const adopting = quay.muster.with({ adopt: quay.voyageId });
  expect(await previewed(false, { adopt: quay.voyageId })).toBeNull();
  const adopted = await adopting.create();
  expect(adopted).toMatchObject({ voyageId: quay.voyageId, nonce: quay.mustered.nonce });
  expect(await quay.muster.read(adopted)).toEqual(adopted);
  expect(await quay.muster.update(adopted)).toEqual(adopted);
  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  expect(await adopting.read(adopted)).toEqual(adopted);
  expect(print.mock.calls.join()).toContain("pulumi config rm ocaptain:adopt -s quay");
  const taken = /was adopted by another Pulumi state [\s\S]*pulumi stack rm --force -s quay/;
  await expect(adopting.read(quay.mustered)).rejects.toThrow(taken);
  await expect(adopting.update(quay.mustered)).rejects.toThrow(taken);
  await expect(adopting.remove(quay.mustered)).rejects.toThrow(taken);
});

test("a voyage that has sunk goes on under its old id, whatever the state; begun anew, its folder is put aside, whole, and another begins", async () => {
  await quay.workspace.create();
  const anew = quay.muster.with({ beginAnew: quay.voyageId });
  expect(await anew.update(quay.mustered)).toEqual(quay.mustered); // A voyage at sea stays as it is.
  await quay.muster.remove(quay.mustered);
  expect(await previewed(false)).toBeNull();
  const again = await quay.muster.create();
  expect(again).toMatchObject({ voyageId: quay.voyageId, nonce: quay.mustered.nonce });
  expect(again.stateId).not.toBe(quay.mustered.stateId);
  await quay.muster.remove(again);

  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  const other = await anew.create();
  expect(other.voyageId).not.toBe(quay.voyageId);
  const aside = `${quay.folder.root}.${quay.voyageId}`;
  expect(print.mock.calls).toEqual([[`voyage ${quay.voyageId} is put aside: ${aside}`]]);
  expect(existsSync(quay.folder.repo)).toBe(false);
  const { stdout } = await execa("git", ["-C", join(aside, "workspace"), "ls-remote", "origin", quay.stack]);
  expect(stdout).toContain(`refs/heads/${quay.stack}`);
  expect(JSON.parse(await readFile(join(aside, "voyage.json"), "utf8")).voyageId).toBe(quay.voyageId);
  // A setting that was left in the configuration means the earlier voyage, and does nothing to this one.
  expect(await anew.update(other)).toEqual(other);
  await anew.remove(other);
  expect((await anew.create()).voyageId).toBe(other.voyageId);
});

test("what hangs on a Muster does nothing in the folder of another voyage", async () => {
  const outs = await quay.workspace.create();
  await expect(quay.workspace.update({ ...outs, voyageId: "000000" }, { voyageId: "000000" })).rejects.toThrow(
    `is voyage ${quay.voyageId}'s, and not 000000's`,
  );
  await expect(quay.workspace.remove({ ...outs, voyageId: "000000" })).rejects.toThrow("and not 000000's");
  await expect(quay.muster.read({ ...quay.mustered, voyageId: "000000" })).rejects.toThrow(
    `is the folder of voyage ${quay.voyageId}, and this state sails voyage 000000`,
  );
});

test("another OCAPTAIN_VOYAGES: the folder that the helm holds the voyage by is named, and nothing is looked at, made or deleted elsewhere", async () => {
  await quay.workspace.create();
  const helm = await quay.helm.create();
  const [here, there] = [process.env.OCAPTAIN_VOYAGES!, `${process.env.OCAPTAIN_VOYAGES}-2`];
  const elsewhere = new RegExp(
    `the folder of voyage ${quay.voyageId} is ${quay.folder.root}, [\\s\\S]*export OCAPTAIN_VOYAGES=${here}$`,
  );
  try {
    process.env.OCAPTAIN_VOYAGES = there;
    await expect(quay.muster.read(quay.mustered)).rejects.toThrow(elsewhere);
    await expect(quay.muster.update(quay.mustered)).rejects.toThrow(elsewhere);
    await expect(quay.muster.remove(quay.mustered)).rejects.toThrow(elsewhere);
    expect(existsSync(join(there, "quay/voyage.json"))).toBe(false);
    // A copy counts as another folder, for the state and for the helm.
    await cp(here, there, { recursive: true });
    await expect(quay.muster.read(quay.mustered)).rejects.toThrow(elsewhere);
    await expect(quay.helm.update(helm)).rejects.toThrow(`voyage ${quay.voyageId} sails from its folder ${quay.folder.root}`);
    // A folder that was moved counts as the same one.
    await rm(here, { recursive: true });
    expect(await quay.muster.read(quay.mustered)).toEqual(quay.mustered);
    await quay.helm.update(helm);
    process.env.OCAPTAIN_VOYAGES = here;
    await rename(there, here);
    await quay.helm.remove(await quay.helm.update(helm));
  } finally {
    process.env.OCAPTAIN_VOYAGES = here;
  }
});

test("a state and a folder of before voyages were bound go on: the next up writes down what their repository says", async () => {
  await quay.workspace.create();
  const { stateId: _, ...older } = quay.mustered;
  const file = async () => JSON.parse(await readFile(quay.folder.voyageFile, "utf8"));
  const { stateId: __, repository, ...olderFile } = await file();
  await writeFile(quay.folder.voyageFile, JSON.stringify(olderFile));
  const seen = await quay.muster.read(older as Props);
  expect((await quay.muster.diff(seen!)).changes).toBe(true);
  expect(await previewed(true)).toBeNull();
  const filled = await quay.muster.update(seen!);
  expect(filled).toEqual({ ...quay.mustered, stateId: expect.stringMatching(/^[0-9a-f]{12}$/) });
  expect(await file()).toMatchObject({ voyageId: quay.voyageId, stateId: filled.stateId, repository });
  expect(repository).toMatchObject({ address: quay.repo, roots: [await quay.git("rev-parse", quay.stack)] });
  expect(await quay.muster.read(filled)).toEqual(filled);
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
  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  expect(await handed.read(mine)).toEqual(mine);
  expect(print.mock.calls.join()).toContain("pulumi config rm ocaptain:handover -s quay");
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
  expect(await quay.muster.create()).toMatchObject({ voyageId: quay.voyageId, nonce: quay.mustered.nonce });
  expect(JSON.parse(await readFile(quay.folder.voyageFile, "utf8")).sunkAt).toBeUndefined();
});

test("a harbor with somebody else's ship is not ended", async () => {
  await quay.sprites.create("other-000000-ship-0", ["theirs"]);
  await quay.muster.remove(quay.mustered);
  expect(await runningHarbor()).toBeDefined();
  await quay.sprites.remove("other-000000-ship-0");
});

/** Writes the stack's configuration file, as a destroy finds it that runs with the configuration of the last up. */
async function stackSays(keepWorkspace: string): Promise<void> {
  const file = join(process.env.OCAPTAIN_HOME!, "Pulumi.quay.yaml");
  await writeFile(file, `config:\n  ocaptain:ships: "2"\n  ocaptain:keepWorkspace: "${keepWorkspace}"\n`);
  vi.stubEnv("PULUMI_OPTION_CONFIG_FILE", file);
}

test.each(["true", "", null])(
  "keepWorkspace false at the last up, and %j in the stack's configuration by now: the folder stays, and that is said",
  async (now) => {
    const print = vi.spyOn(console, "error").mockImplementation(() => {});
    if (now === null) vi.stubEnv("PULUMI_OPTION_CONFIG_FILE", "/nowhere.yaml");
    else await stackSays(now);
    await quay.workspace.create();
    await quay.muster.with({ keepWorkspace: "false" }).remove(quay.mustered);
    expect(existsSync(quay.folder.repo)).toBe(true);
    expect(print.mock.calls.join()).toMatch(/the folder \S+quay stays: [\s\S]*rm -r \S+quay,voyage quay has sunk/);
  },
);

test("keepWorkspace false: the captain's folder goes with the fleet, and not before it is proved gone", async () => {
  const sinking = quay.muster.with({ keepWorkspace: "false" });
  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  await stackSays("false");
  await quay.workspace.create();
  await sinking.read(quay.mustered);
  expect(print.mock.calls.join()).toContain(
    `a destroy of this voyage deletes its folder, repository and all: ${quay.folder.root}`,
  );
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
  expect(failures).toEqual([
    { property: "provider", reason: expect.stringMatching(/harbor sails; before it can be \w+: pulumi destroy -s /) },
  ]);
  expect((await host.check("muster", {}, quay.muster.inputs() as never, quay.mustered)).failures).toEqual([]);
});
