import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ThisShip } from "../../../machine/ship.ts";

/** The names that may stand in `~/voyage/crew/credentials`; nothing else gets from there into an environment. */
const NAMES = new Set(["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "GH_TOKEN"]);

/**
 * Reads the model's credentials, and GH_TOKEN where the plan asks for it, from the ship's file (0600, a line
 * `NAME=value` each). They are read at each start of the hand, since `up` may have put new ones there, and given to no
 * other process. Returns nothing when there is no file: Claude Code then says itself what it misses.
 */
export function readCredentials(ship: ThisShip): Record<string, string> {
  let text = "";
  try {
    text = readFileSync(join(ship.crew, "credentials"), "utf8");
  } catch {}
  const pairs = text.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
  return Object.fromEntries(pairs.filter(([name, value]) => NAMES.has(name) && value !== ""));
}

/** Returns the credentials that a ship has now, as a text to be compared. */
export const credentialsNow = (ship: ThisShip): string => JSON.stringify(readCredentials(ship));

/**
 * Remembers the ship's credentials as a run begins. The function that it returns tells whether the ship has got others
 * since, so that a refusal of the run's is no news.
 */
export function othersSince(ship: ThisShip): () => boolean {
  const before = credentialsNow(ship);
  return () => credentialsNow(ship) !== before;
}
