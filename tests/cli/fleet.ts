import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import type { SmallTask } from "../support/plan.ts";
import { until } from "../support/until.ts";
import { openVoyage } from "../support/voyage/voyage.ts";

/** Opens a voyage at sea with real helm, harbor, syncs and crews, but without Pulumi's engine. `close` ends it all. */
export async function openFleet(options: { ships: number; tasks: SmallTask[] }) {
  const quay = await openVoyage(options.tasks);
  await quay.workspace.create();
  await quay.helm.create();
  const names = Array.from({ length: options.ships }, (_, index) => `ship-${index}`);
  const ships = await Promise.all(names.map(launch));

  async function launch(ship: string) {
    const sprite = await quay.sprite(ship).create();
    const incarnation = String(sprite.incarnation);
    const syncs = [];
    for (const session of ["tasks", "workspace", "logs"]) syncs.push(await quay.sync(ship, session, incarnation).create());
    await quay.launch(ship, incarnation).create();
    return { ship, sprite, incarnation, syncs };
  }

  return {
    ...quay,
    ships,
    status: () => helmClient().voyage(quay.voyageId),
    until: (what: string, holds: (status: VoyageStatus) => boolean) =>
      until(what, async () => holds(await helmClient().voyage(quay.voyageId)), 60_000),
    /** Waits until a line with these words from a ship's log is on the captain's machine. */
    logged: (words: string) => until(words, async () => (await ocaptainHere("logs", "-g", words)).stdout, 60_000),
    /** Removes the VMs, their syncs and their crews, as a `destroy` does. */
    async sink(): Promise<void> {
      for (const { ship, sprite, incarnation, syncs } of ships) {
        await helmClient().stopShip(quay.voyageId, ship, incarnation, 20);
        for (const [index, session] of ["tasks", "workspace", "logs"].entries())
          await quay.sync(ship, session, incarnation).remove(syncs[index]!);
        await quay.sprites.remove(String(sprite.name));
      }
      await quay.helm.remove({ ...quay.helm.inputs() });
      await quay.muster.remove(quay.mustered);
    },
  };
}

export type Fleet = Awaited<ReturnType<typeof openFleet>>;
