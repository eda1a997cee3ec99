import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ThisShip } from "../../../machine/ship.ts";

/** What may stand in `~/voyage/crew/credentials`: nothing else gets from there into an environment. */
const NAMES = new Set(["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "GH_TOKEN"]);

/**
 * The model's credentials, and GH_TOKEN where the plan asks for it, `NAME=value` a line, from the ship's 0600 file: read at each start of the hand, since `up` may have put new ones there,
 * and given to no other process (design 15). Empty when there is no file: Claude Code then says itself what it misses.
 */
export function readCredentials(ship: ThisShip): Record<string, string> {
  let text = "";
  try {
    text = readFileSync(join(ship.crew, "credentials"), "utf8");
  } catch {}
  const pairs = text.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
  return Object.fromEntries(pairs.filter(([name, value]) => NAMES.has(name) && value !== ""));
}

/** Which credentials a ship has now, to be compared. */
export const credentialsNow = (ship: ThisShip): string => JSON.stringify(readCredentials(ship));

/** Called as a run begins; the answer tells whether the ship has got other credentials since. What the API says of the run's is no news then. */
export function othersSince(ship: ThisShip): () => boolean {
  const before = credentialsNow(ship);
  return () => credentialsNow(ship) !== before;
}
