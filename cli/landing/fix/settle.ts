import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { collectStatus } from "../../../lib/watch/collect.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { StatusView } from "../../../lib/watch/view.ts";
import { lasting } from "../../output/durations.ts";
import type { Io } from "../../output/io.ts";
import { sameVoyage } from "../../target/choose-voyage.ts";

const LOOK_MS = 1_000;

/** From these states a fleet goes on by itself. */
const UNDER_WAY: readonly StatusView["state"][] = ["planning", "sailing", "verifying", "limited"];

/**
 * Waits until the fleet has worked off what there is and verify.sh has succeeded.
 * @throws OcaptainError FIX when that cannot come without somebody's doing; TIMEOUT after `timeoutMs`
 */
export async function settle(voyage: KnownVoyage, timeoutMs: number, io: Io): Promise<void> {
  const { stack } = voyage.file;
  const began = Date.now();
  let told = "";
  for (;;) {
    const view = await collectStatus(await sameVoyage(voyage));
    if (view.state === "verified" || view.state === "done") return;
    if (!UNDER_WAY.includes(view.state))
      throw new OcaptainError("FIX", `${stack} is ${view.state}: what came back is not mended, and nothing was pushed`, {
        hint: `ocaptain status ${stack}  # says what helps; then: ocaptain land fix ${stack}`,
      });
    if (Date.now() - began >= timeoutMs)
      throw new OcaptainError(
        "TIMEOUT",
        `${stack} is still ${view.state} after ${lasting(timeoutMs / 1000)}; nothing was pushed`,
        {
          hint: `ocaptain land fix ${stack}  # goes on waiting, and pushes then`,
        },
      );
    const now = view.state === "verifying" ? "verify.sh is run" : `the fleet is at it: ${stack} is ${view.state}`;
    if (now !== told) io.steps.line(now);
    told = now;
    io.steps.status(`${now}, ${lasting((Date.now() - began) / 1000)}`);
    await sleep(LOOK_MS, undefined, { signal: io.signal });
  }
}
