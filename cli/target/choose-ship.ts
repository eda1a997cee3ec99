import { readdir } from "node:fs/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { shipNamed } from "./ship-name.ts";

/**
 * Chooses the ship that a command is about: the one named (`ship-0`, or `0`), else the only one.
 * @throws OcaptainError NO_SHIP, WHICH_SHIP (with all of them)
 */
export async function chooseShip(voyage: KnownVoyage, name: string | undefined): Promise<string> {
  const ships = await shipsOf(voyage);
  const { stack } = voyage.file;
  if (name !== undefined) {
    if (ships.includes(shipNamed(name))) return shipNamed(name);
    throw new OcaptainError("NO_SHIP", `voyage "${stack}" has no ship "${name}"; there are ${ships.join(", ") || "none"}`, {
      hint: `ocaptain status ${stack}`,
    });
  }
  if (ships.length === 1) return ships[0]!;
  if (ships.length === 0) throw new OcaptainError("NO_SHIP", `voyage "${stack}" has no ship`, { hint: `pulumi up -s ${stack}` });
  throw new OcaptainError("WHICH_SHIP", `voyage "${stack}" has several ships; say which: ${ships.join(", ")}`, {
    hint: `ocaptain shell ${stack} ${ships[0]}`,
  });
}

/** The voyage's ships by the helm; where it does not answer, those that have a mirror. */
async function shipsOf({ file, folder }: KnownVoyage): Promise<string[]> {
  const status = await helmClient()
    .voyage(file.voyageId)
    .catch(() => null);
  if (status) return status.ships.map((row) => row.ship);
  const entries = await readdir(folder.ships, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
