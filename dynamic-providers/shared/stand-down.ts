import { OcaptainError } from "../../lib/base/errors.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { stopCrew } from "../../lib/ship/crew-launch.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";

/** The longest that a supervisor may take to end. */
const STOP_SECONDS = 30;

export type Aboard = { voyageId: string; ship: string; sprite: string; incarnation: string };

/**
 * Tells the helm that a ship's crew is to stop, so that it wakes the ship no more. A helm that is down wakes nobody,
 * and is not an error.
 */
export async function callOff(helm: HelmClient, { voyageId, ship, incarnation }: Aboard): Promise<void> {
  await helm.stopShip(voyageId, ship, incarnation, STOP_SECONDS).catch((error: unknown) => {
    if (!(error instanceof OcaptainError && error.code === "HELM_DOWN")) throw error;
  });
}

/**
 * Ends the crew on a ship, whatever the state knows of it: an `up` that died may have launched one and recorded
 * nothing. The ship must be awake. Quiet when there is no crew.
 */
export async function standDown(helm: HelmClient, sprites: SpritesClient, of: Aboard): Promise<void> {
  await callOff(helm, of);
  await sprites.exec(of.sprite, stopCrew);
}
