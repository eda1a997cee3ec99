import { performance } from "node:perf_hooks";
import { putLinksAside } from "../../lib/mutagen/mirror-links.ts";
import type { Log } from "../log.ts";

/** How much time passes between two looks at one mirror, at least. */
const ROUND_MS = 5_000;
/** Which part of the time looks may take. */
const SHARE = 1 / 30;
const MOST_NAMED = 5;

/**
 * Looks at the voyage's mirrors again and again, one at a time, and puts links aside that lead out of them. A large
 * mirror is looked at more seldom. Returns what ends it.
 */
export function guardMirrors(parts: {
  voyage: string;
  ships: () => string[];
  mirror: (ship: string) => string;
  log: Log;
}): () => void {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let left: string[] = [];
  const look = async () => {
    const ships = parts.ships();
    left = left.filter((ship) => ships.includes(ship));
    if (left.length === 0) left = [...ships];
    const ship = left.shift();
    const began = performance.now();
    if (ship !== undefined) {
      const found = await putLinksAside(parts.mirror(ship));
      if (found.length > 0)
        parts.log("links-put-aside", { voyage: parts.voyage, ship, count: found.length, some: found.slice(0, MOST_NAMED) });
    }
    return Math.max(ROUND_MS / Math.max(1, ships.length), (performance.now() - began) / SHARE);
  };
  const turn = () =>
    look()
      .catch((error) => {
        if (!closed) parts.log("mirrors-not-looked-at", { voyage: parts.voyage, error: String(error) });
        return ROUND_MS;
      })
      .then((pauseMs) => {
        if (!closed) timer = setTimeout(turn, pauseMs);
      });
  timer = setTimeout(turn, ROUND_MS);
  return () => {
    closed = true;
    clearTimeout(timer);
  };
}
