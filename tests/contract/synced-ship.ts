import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest";
import type { Props } from "../support/voyage/resource.ts";
import { type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

/** A voyage with one ship, made anew for each test, and the sync of its workspace. */

export let quay: OpenVoyage;
/** The ship's VM; `workspace` is one of its syncs. */
export let sprite: Props;
export let workspace: ReturnType<OpenVoyage["sync"]>;
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

export const names = async () => (await quay.mutagen.list()).map((session) => session.name);
export const write = (text: string, file = "notes.txt") =>
  quay.onShip("ship-0", `echo ${text} > "$HOME/voyage/workspace/${file}"`);
export const mirrored = (file = "notes.txt") => readFile(join(quay.folder.mirror("ship-0"), file), "utf8");
export const flush = (outs: Props) => quay.mutagen.flush(String(outs.sessionName));

/** Keeps messages about files that were put aside from being printed, and returns a function that gives them. */
export function hear(): () => string {
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  return () => said.mock.calls.flat().join("\n");
}

/** Resolves to the contents of the files of that name that were put aside for ship-0. */
export const aside = async (file: string) => {
  const left = join(quay.folder.ships, "left", "ship-0");
  const found = await Promise.all(
    (await readdir(left).catch(() => [])).map((folder) => readFile(join(left, folder, file), "utf8").catch(() => null)),
  );
  return found.filter((text) => text !== null);
};

/** Lets both sides change the file while no sync runs. */
export async function inConflict(outs: Props): Promise<void> {
  await write("same");
  await flush(outs);
  await quay.mutagen.stopDaemon();
  await write("ship");
  await writeFile(join(quay.folder.mirror("ship-0"), "notes.txt"), "captain\n");
}
