import { z } from "zod";
import { noteEvent } from "./events.ts";
import type { Ledger } from "./ledger.ts";
import { pauseOf } from "./pause.ts";
import { overspent } from "./spend.ts";

/**
 * Usage limits, and all else that makes a hand wait, as ships tell of them. Ships share one account of the model, so a
 * limit that one meets holds the others too; but a single ship's word may be a lie. So its word holds that ship to the
 * end that it names, and the others for a while, after which one of them tries; and all of them are held to the end on
 * which two ships agree.
 */

/** How long a limit can last at most: the longest that there is resets weekly. */
const LONGEST_MS = 8 * 24 * 3600_000;
/** How long one ship's word alone holds the others, and how much time passes before it does so again. */
const HEARSAY_MS = 10 * 60_000;
const HEARSAY_EVERY_MS = 6 * 3600_000;

/** The key under which it is kept that an event has told of a limit's beginning, and none of its end yet. */
const TOLD = "limitTold";

/** The newest word of each ship. `since`: when it began to hold the others. */
const Words = z.record(z.string(), z.object({ until: z.string(), message: z.string(), since: z.string() }));
type Words = z.infer<typeof Words>;

/** What holds a ship, or the voyage: until when, in the words of the hand, and told by which ships. */
export type Limit = { until: string; message: string; by: string[] };

/**
 * Notes a limit of which a ship tells; of one ship's words the latest end counts. It runs inside a write, as
 * {@link liftLimits} and {@link forgetLimits} do.
 */
export function noteLimit(ledger: Ledger, ship: string, ask: { until: string; message: string }): void {
  const now = Date.parse(ledger.at());
  const words = read(ledger);
  const before = words[ship];
  const told = { until: iso(Math.min(Date.parse(ask.until), now + LONGEST_MS)), message: ask.message };
  const kept = before && before.until > ledger.at() && before.until >= told.until ? before : told;
  const since = before && now - Date.parse(before.since) < HEARSAY_EVERY_MS ? before.since : ledger.at();
  write(ledger, { ...words, [ship]: { ...kept, since } });
  if (ledger.meta(TOLD)) return;
  ledger.setMeta(TOLD, "1");
  noteEvent(ledger, "limit-begun", { ship, reason: kept.message, data: { until: kept.until } });
}

/** Says whether a limit that was noted as begun is over by now, and that is not noted yet. */
export const isLimitOver = (ledger: Ledger): boolean => !!ledger.meta(TOLD) && standingWords(ledger).length === 0;

/** Notes that a limit is over, if it is. It runs inside a write. */
export function noteLimitOver(ledger: Ledger): void {
  if (!isLimitOver(ledger)) return;
  ledger.setMeta(TOLD, "");
  noteEvent(ledger, "limit-over");
}

/** The limit that holds this ship now. */
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

/**
 * The limit that holds every ship of the voyage, until the first of them may go on; undefined while one is not held.
 */
export function voyageLimit(ledger: Ledger): Limit | undefined {
  const ships = ledger.ships();
  if (ships.length === 0 || standingWords(ledger).length === 0) return undefined;
  const limits = ships.map(({ ship }) => limitOf(ledger, ship));
  if (limits.some((limit) => limit === undefined)) return undefined;
  return (limits as Limit[]).sort((a, b) => (a.until < b.until ? -1 : 1))[0];
}

/**
 * How many free tasks may be given out now: none while the voyage is paused, a limit holds every ship, or the voyage's
 * budget is spent.
 */
export const grantableCount = (ledger: Ledger): number =>
  pauseOf(ledger) || voyageLimit(ledger) || overspent(ledger) ? 0 : ledger.freeCount();

/**
 * Takes it from the captain that there is no limit. Returns the ships that had told of one; their word alone does not
 * hold the others again soon.
 */
export function liftLimits(ledger: Ledger): string[] {
  const words = read(ledger);
  const past = iso(Date.parse(ledger.at()) - HEARSAY_MS);
  const lifted = standingWords(ledger).map(([ship]) => ship);
  write(ledger, Object.fromEntries(Object.entries(words).map(([ship, word]) => [ship, { ...word, until: past, since: past }])));
  noteLimitOver(ledger);
  return lifted.sort();
}

/** Forgets all limits, since a launch may have brought another account. */
export function forgetLimits(ledger: Ledger): void {
  write(ledger, {});
  noteLimitOver(ledger);
}

/** The words of ships that are there, the latest end first. */
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

/** Reads the words. What an earlier helm has left there has another shape, and counts for nothing. */
const read = (ledger: Ledger): Words => Words.safeParse(JSON.parse(ledger.meta("limits") || "{}")).data ?? {};
const write = (ledger: Ledger, words: Words) => ledger.setMeta("limits", JSON.stringify(words));
const iso = (ms: number) => new Date(ms).toISOString();
const earlier = (a: string, b: string) => (a < b ? a : b);
