import { OcaptainError } from "../base/errors.ts";
import { MAX_SHIPS } from "../plan/limits.ts";

const FALLBACK = 3;

/**
 * The number of ships: `ocaptain:ships`, else the plan's recommended_ships, else OCAPTAIN_DEFAULT_SHIPS, else 3.
 * @throws OcaptainError SHIPS when OCAPTAIN_DEFAULT_SHIPS counts and is no number of ships
 */
export function chooseShipCount(
  configured: number | undefined,
  recommended: number | null,
  fallback = process.env.OCAPTAIN_DEFAULT_SHIPS,
): number {
  if (configured !== undefined) return configured;
  if (recommended !== null) return recommended;
  if (!fallback) return FALLBACK;
  const count = Number(fallback);
  if (Number.isInteger(count) && count >= 1 && count <= MAX_SHIPS) return count;
  throw new OcaptainError("SHIPS", `OCAPTAIN_DEFAULT_SHIPS is "${fallback}"; it must be 1 to ${MAX_SHIPS}`, {
    hint: "export OCAPTAIN_DEFAULT_SHIPS=3",
  });
}
