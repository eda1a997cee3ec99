import { type EventKind, type EventRow, eventsOf, type VoyageEvents } from "../../lib/protocol/events.ts";
import type { Ledger } from "./ledger.ts";

/**
 * What happened, as the ledger keeps it (lib/protocol/events.ts). An event is noted inside the write that changes what
 * it tells of, so that neither is there without the other.
 */

/** Characters of a reason that are kept: its beginning. The whole of it is where it was before. */
const MOST_REASON = 500;
/** How many events are kept, the newest: a ship that comes and goes without end must not fill the disk. */
const MOST_KEPT = 250_000;
/** How often the oldest are looked for. */
const TIDY_EVERY = 1_000;

/** What an event is about, beside its kind. What is undefined or null is left out. */
export type About = {
  task?: string | null | undefined;
  ship?: string | null | undefined;
  epoch?: number | undefined;
  reason?: string | null | undefined;
  data?: Record<string, unknown> | undefined;
};

/** Notes an event. It runs inside the write that changes what it tells of. */
export function noteEvent(ledger: Ledger, kind: EventKind, { task, ship, epoch, reason, data }: About = {}): void {
  const { rowId } = ledger.store.run(
    "INSERT INTO events (at, kind, task, ship, epoch, reason, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ledger.at(),
    kind,
    task ?? null,
    ship ?? null,
    epoch ?? null,
    reason ? reason.slice(0, MOST_REASON).toWellFormed() : null,
    data ? JSON.stringify(data) : null,
  );
  if (rowId % TIDY_EVERY === 0) ledger.store.run("DELETE FROM events WHERE seq <= ?", rowId - MOST_KEPT);
}

/** The events after `seq`, the oldest first, at most `limit`. */
export function eventsAfter(ledger: Ledger, seq: number, limit: number): VoyageEvents {
  const rows = ledger.store.all<EventRow>("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit);
  const first = ledger.store.one<EventRow>("SELECT * FROM events ORDER BY seq LIMIT 1");
  const last = ledger.store.one<{ seq: number | null }>("SELECT max(seq) AS seq FROM events")?.seq ?? 0;
  return eventsOf(rows, { first, last });
}

/** When an event of this kind last happened to the ship, or to the voyage; undefined when it did not, or long ago. */
export const lastAt = (ledger: Ledger, kind: EventKind, ship: string | null = null): string | undefined =>
  ledger.store.one<{ at: string }>("SELECT at FROM events WHERE ship IS ? AND kind = ? ORDER BY seq DESC LIMIT 1", ship, kind)
    ?.at;
