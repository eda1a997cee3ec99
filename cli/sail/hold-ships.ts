import { setTimeout as sleep } from "node:timers/promises";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";

/** How long a hold lasts after its last renewal: so long do ships wait without work when this process is killed. */
const HOLD_SECONDS = 30;
const RENEWED_MS = 5_000;

/** Ships that the helm gives nothing new, as long as this is renewed. */
export type HeldShips = {
  /** Holds these ships, and no others any more. Answers how the voyage is then. */
  only(ships: readonly string[]): Promise<VoyageStatus>;
  /** Renews the hold while `work` goes on; the helm may be started anew meanwhile. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Gives the ships work again. */
  end(): Promise<void>;
};

export function holdShips(voyageId: string): HeldShips {
  const helm = helmClient();
  let held: readonly string[] = [];
  return {
    async only(ships) {
      const others = held.filter((ship) => !ships.includes(ship));
      held = ships;
      if (others.length > 0) await helm.holdShips(voyageId, others, 0);
      return helm.holdShips(voyageId, ships, HOLD_SECONDS);
    },
    async during(work) {
      const over = new AbortController();
      const renewal = (async () => {
        for (;;) {
          await sleep(RENEWED_MS, undefined, { signal: over.signal });
          await helm.holdShips(voyageId, held, HOLD_SECONDS).catch(() => {});
        }
      })().catch(() => {});
      try {
        return await work();
      } finally {
        over.abort();
        await renewal;
      }
    },
    async end() {
      if (held.length > 0) await helm.holdShips(voyageId, held, 0).catch(() => {});
      held = [];
    },
  };
}
