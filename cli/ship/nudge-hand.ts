import { OcaptainError } from "../../lib/base/errors.ts";
import { said } from "../../lib/base/text.ts";
import { CREW_FOLDER } from "../../lib/ship/crew-launch.ts";
import { shipScript } from "../../lib/ship/shell.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { onShip } from "./on-ship.ts";

const LEAVE_MS = 30_000;

/** Writes a file whole, by a name that sorts after those of earlier nudges. */
const SCRIPT = `umask 077; d="$HOME/${CREW_FOLDER}/nudges"; mkdir -p "$d" || exit 1
n=$(date +%s%N); printf %s "$2" > "$d/.$1.$n" && mv "$d/.$1.$n" "$d/$1.$n"`;

/**
 * Leaves `text` on a ship for the session that works at this claim: the crew tells it to the model at its next gate
 * (crew/gates/nudges.ts). A session of `claude -p` takes no keys.
 * @throws OcaptainError NOT_SAILING, NUDGE
 */
export async function nudgeHand(
  voyage: KnownVoyage,
  ship: string,
  claim: { task: string; epoch: number },
  text: string,
): Promise<void> {
  const { exec } = await onShip(voyage, ship);
  const { exitCode, stderr } = await exec(shipScript(SCRIPT, `${claim.task}-${claim.epoch}`, text), LEAVE_MS);
  if (exitCode !== 0)
    throw new OcaptainError("NUDGE", `${ship} did not take it: ${said(stderr) || `exit status ${exitCode}`}`, {
      hint: `ocaptain status ${voyage.file.stack}`,
    });
}
