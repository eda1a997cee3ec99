import { z } from "zod";
import type { Ledger } from "./ledger.ts";

/**
 * Usage limits, and all else that makes a hand wait, as ships tell them. Ships share one account of the model, so a limit that one meets holds the others,
 * too; but a single ship's word may be a lie. So it holds that ship to its end, the others for a while, after which one of them tries; and all of them to
 * the end on which two ships agree.
 */

/** The longest limit there is resets weekly. */
const LONGEST_MS = 8 * 24 * 3600_000;
/** How long one ship's word alone holds the others; and in how long a time no more than once. */
const HEARSAY_MS = 10 * 60_000;
const HEARSAY_EVERY_MS = 6 * 3600_000;

/** `since`: when this ship's word began to hold the others. */
const Words = z.record(z.string(), z.object({ until: z.string(), message: z.string(), since: z.string() }));
type Words = z.infer<typeof Words>;

/** What holds a ship, or the voyage: until when, in whose words, told by which ships. */
export type Limit = { until: string; message: string; by: string[] };

/** Inside a write, as {@link liftLimits} and {@link forgetLimits}. Of one ship's words the latest end counts. */
export function noteLimit(ledger: Ledger, ship: string, ask: { until: string; message: string }): void {
  const now = Date.parse(ledger.at());
  const words = read(ledger);
  const before = words[ship];
  const told = { until: iso(Math.min(Date.parse(ask.until), now + LONGEST_MS)), message: ask.message };
  const kept = before && before.until > ledger.at() && before.until >= told.until ? before : told;
  const since = before && now - Date.parse(before.since) < HEARSAY_EVERY_MS ? before.since : ledger.at();
  write(ledger, { ...words, [ship]: { ...kept, since } });
}

/** What holds this ship now. */
export function limitOf(ledger: Ledger, ship: string): Limit | undefined {
  const standing = standingWords(ledger);
  const now = ledger.at();
  const all: Limit[] = standing.flatMap(([by, { until, message, since }]) => {
    const end = by === ship ? until : earlier(until, iso(Date.parse(since) + HEARSAY_MS));
    return end > now ? [{ until: end, message, by: [by] }] : [];
  });
  // Two agree up to the earlier of their ends.
  const [, second] = standing;
  if (second) all.push({ until: second[1].until, message: second[1].message, by: standing.map(([by]) => by).sort() });
  return all.sort((a, b) => (a.until < b.until ? 1 : -1))[0];
}

/** What holds every ship of the voyage: until the first of them may go on. */
export function voyageLimit(ledger: Ledger): Limit | undefined {
  const ships = ledger.ships();
  if (ships.length === 0 || standingWords(ledger).length === 0) return undefined;
  const limits = ships.map(({ ship }) => limitOf(ledger, ship));
  if (limits.some((limit) => limit === undefined)) return undefined;
  return (limits as Limit[]).sort((a, b) => (a.until < b.until ? -1 : 1))[0];
}

/** How many free tasks may be given out now: none while a limit holds every ship, or the voyage's budget is spent. */
export const grantableCount = (ledger: Ledger): number => (voyageLimit(ledger) || ledger.overspent() ? 0 : ledger.freeCount());

/** The captain says that there is none: whose words these were, and they alone do not hold the others again soon. */
export function liftLimits(ledger: Ledger): string[] {
  const words = read(ledger);
  const past = iso(Date.parse(ledger.at()) - HEARSAY_MS);
  const lifted = standingWords(ledger).map(([ship]) => ship);
  write(ledger, Object.fromEntries(Object.entries(words).map(([ship, word]) => [ship, { ...word, until: past, since: past }])));
  return lifted.sort();
}

/** A launch may have brought another account. */
export const forgetLimits = (ledger: Ledger): void => write(ledger, {});

/** Of ships that are there, the latest end first. */
function standingWords(ledger: Ledger): [string, Words[string]][] {
  const now = ledger.at();
  return Object.entries(read(ledger))
    .filter(([ship, { until }]) => until > now && isThere(ledger, ship))
    .sort(([, a], [, b]) => (a.until < b.until ? 1 : -1));
}

function isThere(ledger: Ledger, ship: string): boolean {
  const life = ledger.ship(ship)?.life;
  return life !== undefined && !ledger.life(life)?.fenced;
}

/** What an earlier helm has left there is another shape, and over with this launch. */
const read = (ledger: Ledger): Words => Words.safeParse(JSON.parse(ledger.meta("limits") || "{}")).data ?? {};
const write = (ledger: Ledger, words: Words) => ledger.setMeta("limits", JSON.stringify(words));
const iso = (ms: number) => new Date(ms).toISOString();
const earlier = (a: string, b: string) => (a < b ? a : b);
