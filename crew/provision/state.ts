import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProvisionWord } from "../../lib/protocol/ship-files.ts";
import type { ThisShip } from "../machine/ship.ts";

const wordFile = ({ crew }: ThisShip) => join(crew, "provisioned.json");

/** Reads how far the ship's provisioning is; null when there was none. */
export function readWord(ship: ThisShip): ProvisionWord | null {
  try {
    return JSON.parse(readFileSync(wordFile(ship), "utf8")) as ProvisionWord;
  } catch {
    return null;
  }
}

/** Writes how far the provisioning is, by a rename, since `up` reads the file meanwhile. */
export function writeWord(ship: ThisShip, word: ProvisionWord): void {
  const next = `${wordFile(ship)}.next`;
  writeFileSync(next, JSON.stringify(word), { mode: 0o600 });
  renameSync(next, wordFile(ship));
}

/**
 * Tells whether a crew may begin: the plan's steps are done on this VM, or the plan has none. It is asked whoever
 * starts the crew, `up` or the helm.
 */
export function isProvisioned(ship: ThisShip): boolean {
  if (ship.config.provision === undefined) return true;
  const word = readWord(ship);
  return word?.state === "done" && word.digest === ship.config.provision;
}
