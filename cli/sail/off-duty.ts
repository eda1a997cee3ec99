import { setTimeout as sleep } from "node:timers/promises";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";

/** How long ships stay off duty after the last renewal, and so how long they idle when this process is killed. */
const LASTS_SECONDS = 30;
const RENEWED_MS = 5_000;

/** Ships that the helm gives nothing new, as long as this is renewed. */
export type OffDuty = {
  /** Puts these ships off duty, and no others any more. Answers how the voyage is then. */
  only(ships: readonly string[]): Promise<VoyageStatus>;
  /** Keeps them off duty while `work` goes on; the helm may be started anew meanwhile. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Gives the ships work again. */
  end(): Promise<void>;
};

/** Opens the means to put ships of a voyage off duty; none is so yet. */
export function openOffDuty(voyageId: string): OffDuty {
  const helm = helmClient();
  let now: readonly string[] = [];
  return {
    async only(ships) {
      const others = now.filter((ship) => !ships.includes(ship));
      now = ships;
      if (others.length > 0) await helm.putOffDuty(voyageId, others, 0);
      return helm.putOffDuty(voyageId, ships, LASTS_SECONDS);
    },
    async during(work) {
      const over = new AbortController();
      const renewal = (async () => {
        for (;;) {
          await sleep(RENEWED_MS, undefined, { signal: over.signal });
          await helm.putOffDuty(voyageId, now, LASTS_SECONDS).catch(() => {});
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
      if (now.length > 0) await helm.putOffDuty(voyageId, now, 0).catch(() => {});
      now = [];
    },
  };
}
