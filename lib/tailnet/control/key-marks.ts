import { createHash } from "node:crypto";
import type { KeyOwner } from "./types.ts";

/**
 * Longest description of a key at Tailscale: letters, digits, hyphens and spaces (its API's documentation of
 * createKey).
 */
export const MAX_DESCRIPTION = 50;

/**
 * A key's description at Tailscale: voyage, ship and incarnation, by which it is found again, then the stack's name as
 * far as it fits. An incarnation is a platform's own id, of any length and alphabet, so 8 hex digits of its hash stand
 * for it.
 */
export function keyDescription(of: KeyOwner): string {
  const incarnation = createHash("sha256").update(of.incarnation).digest("hex").slice(0, 8);
  return `${voyageWords(of.voyageId)}${of.ship} ${incarnation} ${of.stack}`.slice(0, MAX_DESCRIPTION).trimEnd();
}

export const isOfVoyage = (description: string, voyageId: string) => description.startsWith(voyageWords(voyageId));

const voyageWords = (voyageId: string) => `ocaptain ${voyageId} `;

const MICROSECONDS = 1_000_000;
/** The range of seconds by which ships are told apart, and by which a key may live shorter than asked for. */
const SHIP_SECONDS = 300;

/**
 * When a Headscale key expires, as RFC 3339, at `latest` or up to 5 minutes before. Its keys have no description, but
 * keep an expiry to the microsecond (on PostgreSQL; SQLite keeps more): the fraction of the second says which voyage's
 * it is, and the second, modulo 300, which ship's. Two voyages have the same fraction once in a million; then one may
 * delete a key that the other has not used yet, and the other mints anew.
 */
export function markedExpiry({ voyageId, ship }: Pick<KeyOwner, "voyageId" | "ship">, latest: Date): string {
  const seconds = Math.floor(latest.getTime() / 1000);
  const number = Number(/\d+$/.exec(ship)?.[0] ?? 0) % SHIP_SECONDS;
  const marked = seconds - ((((seconds - number) % SHIP_SECONDS) + SHIP_SECONDS) % SHIP_SECONDS);
  return `${new Date(marked * 1000).toISOString().slice(0, -".000Z".length)}.${voyageMark(voyageId)}Z`;
}

/** Whether an expiry as Headscale tells it, with 0, 3, 6 or 9 digits of a second, is this voyage's. */
export function isMarked(expiry: string, voyageId: string): boolean {
  const fraction = /\.(\d+)Z$/.exec(expiry)?.[1] ?? "";
  return fraction.padEnd(6, "0").slice(0, 6) === voyageMark(voyageId) && !/[1-9]/.test(fraction.slice(6));
}

/** A voyage's six digits, which are never all zero, because a clock of whole seconds would say that. */
function voyageMark(voyageId: string): string {
  const number = createHash("sha256").update(voyageId).digest().readUInt32BE(0);
  return String(1 + (number % (MICROSECONDS - 1))).padStart(6, "0");
}
