import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { said } from "../../../lib/base/text.ts";
import { helmClient } from "../../../lib/daemons/helm-client.ts";
import { collectStatus } from "../../../lib/watch/collect.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { StatusView } from "../../../lib/watch/view.ts";
import { lasting } from "../../output/durations.ts";
import type { Io } from "../../output/io.ts";
import { sameVoyage } from "../../target/choose-voyage.ts";
import { short } from "./standing.ts";

const LOOK_MS = 1_000;

/** From these states no ship comes to verify.sh: somebody must do something. */
const STUCK: readonly StatusView["state"][] = [
  ...(["failed", "blocked", "needs-captain", "budget", "lost", "stalled", "paused", "sunk", "done", "unknown"] as const),
];

/**
 * Makes sure that there is a fleet which could run verify.sh again, before anything is changed that needs it. It may be
 * asleep: the helm wakes it.
 * @throws OcaptainError NO_FLEET
 */
export function assertFleet({ from, state, ships, stack }: StatusView, why: string): void {
  if (from === "helm" && state !== "sunk" && ships.length > 0) return;
  throw new OcaptainError("NO_FLEET", `${why}, and there is no fleet that could run verify.sh`, {
    hint: `pulumi up -s ${stack}  # brings it back; then ocaptain land ${stack}. Or --no-update, which pushes the branch as it is`,
  });
}

/**
 * Waits until verify.sh has succeeded at `tip` on a ship.
 * @throws OcaptainError VERIFY_FAILED, NOT_VERIFIED, BRANCH_MOVED; TIMEOUT after `timeoutMs`
 */
export async function awaitVerified(voyage: KnownVoyage, tip: string, timeoutMs: number, io: Io): Promise<void> {
  const { stack, voyageId } = voyage.file;
  const began = Date.now();
  let told = "";
  for (;;) {
    const view = await collectStatus(await sameVoyage(voyage));
    if (view.tip !== tip)
      throw new OcaptainError("BRANCH_MOVED", `branch ${stack} was moved while verify.sh was waited for; nothing was pushed`, {
        hint: `ocaptain wait ${stack} && ocaptain land ${stack}`,
      });
    if (view.state === "verified") return io.steps.line(`verify.sh has succeeded at ${short(tip)}`);
    if (STUCK.includes(view.state)) throw await notVerified(view, voyageId, tip);
    if (Date.now() - began >= timeoutMs)
      throw new OcaptainError(
        "TIMEOUT",
        `verify.sh had no result at ${short(tip)} within ${lasting(timeoutMs / 1000)}; nothing was pushed`,
        {
          hint: `ocaptain wait ${stack} && ocaptain land ${stack}`,
        },
      );
    const ship = view.ships.find(({ state }) => state === "working")?.ship;
    const now = `verify.sh at ${short(tip)}: ${ship ? `runs on ${ship}` : `${stack} is ${view.state}`}`;
    if (now !== told) io.steps.line(now);
    told = now;
    io.steps.status(`${now}, ${lasting((Date.now() - began) / 1000)}`);
    await sleep(LOOK_MS, undefined, { signal: io.signal });
  }
}

async function notVerified({ state, stack }: StatusView, voyageId: string, tip: string): Promise<OcaptainError> {
  if (state !== "failed")
    return new OcaptainError("NOT_VERIFIED", `${stack} is ${state}, and so verify.sh does not run; nothing was pushed`, {
      hint: `ocaptain status ${stack}`,
    });
  const verified = (
    await helmClient()
      .voyage(voyageId)
      .catch(() => null)
  )?.verified;
  const output = verified?.commit === tip ? `: ${said(verified.output, 2_000)}` : "";
  return new OcaptainError("VERIFY_FAILED", `verify.sh has failed at ${short(tip)}; nothing was pushed${output}`, {
    hint: `ocaptain status ${stack}; to run it once more: ocaptain retry verify ${stack}`,
  });
}
