import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import type { Io } from "../output/io.ts";
import type { OffDuty } from "./off-duty.ts";
import { type ScaledFleet, scaleFleet, worksOn } from "./scale-fleet.ts";

const LOOK_MS = 1_000;
/** How often ships are chosen anew because one of them was given a task before it was off duty. */
const MOST_CHOICES = 5;

/**
 * Puts the ships that go off duty, so that none is given a task any more, and chooses anew where one had got one
 * before. With `drain` it waits until none of those that go is at work, whichever of the fleet they are by then.
 *
 * @param asked  the voyage as it was when the captain agreed to `fleet`, and with it to stop what is at work there
 * @param yes  whether the captain has agreed beforehand to whatever is stopped
 * @throws OcaptainError SHIPS_CHANGED when a task would be stopped that nobody has agreed to
 */
export async function settleFleet(
  fleet: ScaledFleet,
  asked: VoyageStatus,
  offDuty: OffDuty,
  { drain, yes }: { drain?: boolean; yes?: boolean },
  io: Io,
): Promise<ScaledFleet> {
  const agreed = drain ? [] : worksOn(fleet.go, asked);
  let now = fleet;
  let said = "";
  for (let choice = 1; now.go.length > 0; choice++) {
    const status = await offDuty.only(now.go);
    const stopped = worksOn(now.go, status);
    if (stopped.every((work) => agreed.includes(work))) break;
    if (!drain && choice === MOST_CHOICES) {
      if (yes) break;
      throw new OcaptainError(
        "SHIPS_CHANGED",
        `ships were given tasks meanwhile, and nothing was changed: ${stopped.join(", ")}`,
        {
          hint: `ocaptain scale ${fleet.settings.ships} ${asked.stack} --drain`,
        },
      );
    }
    const before = now.go;
    now = scaleFleet(status.ships, fleet.settings.ships);
    if (!drain || now.go.join() !== before.join()) continue;
    const waits = `waits for ${stopped.join(", ")}`;
    if (waits !== said) io.note(waits);
    said = waits;
    await sleep(LOOK_MS, undefined, { signal: io.signal }).catch(() => {});
    io.signal.throwIfAborted();
  }
  return now;
}
