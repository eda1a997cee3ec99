import { basename } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { voyagesRoot } from "../../lib/base/paths.ts";
import { aboutVoyage } from "../../lib/watch/hint.ts";
import { type KnownVoyage, knownVoyage, voyageNames } from "../../lib/watch/known.ts";
import { hintAt } from "../output/hint.ts";
import { selectedStack } from "./selected-stack.ts";

/**
 * Chooses the voyage that a command is about: the one named (by stack or id), else the only one. Where there are
 * several, it is the one of the stack that is selected in Pulumi, while it is at sea, else the only one that has not
 * sunk. Hints are about it from then on.
 * @throws OcaptainError NO_VOYAGE, WHICH_VOYAGE (with all of them), VOYAGE_FILE
 */
export async function chooseVoyage(name: string | undefined): Promise<KnownVoyage> {
  const voyage = await findVoyage(name);
  hintAt(aboutVoyage(voyage.file));
  return voyage;
}

/**
 * The same voyage as {@link chooseVoyage}, for a command that is about several: its hints name no stack by themselves.
 */
export async function findVoyage(name: string | undefined): Promise<KnownVoyage> {
  const names = await voyageNames();
  if (name !== undefined && names.includes(name)) return knownVoyage(name);
  const known = (await Promise.all(names.map((each) => knownVoyage(each).catch(() => null)))).filter((voyage) => voyage !== null);
  if (name !== undefined) {
    const byId = known.find((voyage) => voyage.file.voyageId === name);
    if (byId) return byId;
    const list = names.length > 0 ? `there are ${names.join(", ")}` : "there is none";
    throw new OcaptainError("NO_VOYAGE", `no voyage "${name}" in ${voyagesRoot()}; ${list}`, {
      hint: "ocaptain ls --all  # OCAPTAIN_VOYAGES says where voyages are",
    });
  }
  if (names.length === 0)
    throw new OcaptainError("NO_VOYAGE", `there is no voyage in ${voyagesRoot()}`, {
      hint: "ocaptain sail --help  # OCAPTAIN_VOYAGES says where voyages are",
    });
  if (names.length === 1) return knownVoyage(names[0]!);
  const afloat = known.filter((voyage) => !voyage.file.sunkAt);
  const selected = afloat.length > 1 ? selectedOf(afloat) : undefined;
  if (selected) return selected;
  if (afloat.length === 1 && known.length === names.length) return afloat[0]!;
  const lines = known.map(
    ({ file, folder }) => `  ${basename(folder.root)}${file.sunkAt ? `  (sunk ${file.sunkAt.slice(0, 10)})` : ""}`,
  );
  throw new OcaptainError("WHICH_VOYAGE", `there are several voyages; say which:\n${lines.join("\n")}`, {
    hint: `ocaptain ${process.argv[2]} --help  # shows where its name stands`,
  });
}

/**
 * The same voyage again, as it is now: another may have begun under its stack's name. @throws OcaptainError NO_VOYAGE
 */
export const sameVoyage = ({ file }: KnownVoyage): Promise<KnownVoyage> => findVoyage(file.voyageId);

/** The voyage of the stack that is selected in Pulumi; undefined where there is none. */
export function selectedOf(afloat: readonly KnownVoyage[]): KnownVoyage | undefined {
  const stack = selectedStack();
  return afloat.find(({ file }) => file.stack === stack);
}
