import type { Notice, NoticeEvent, NoticeState } from "../../lib/notices/events.ts";
import type { Ledger } from "./ledger.ts";

/**
 * Occurrences of what the captain is told, and the queue of notices for each target. Both change in one write, so that
 * a helm that dies has told of each, or will. A notice is noted as sent after it was sent: a helm that dies between the
 * two sends it once more, with the same id.
 */

/** Something that is so now. */
export type Seen = {
  /** What tells it from every other one, also from the same thing at another time, as far as the ledger knows. */
  key: string;
  event: NoticeEvent;
  /** Whether it is a moment, which is not told to be over, and is told once. */
  once?: true;
} & Pick<Notice, "of" | "title" | "message" | "detail" | "hint">;

/** A target as the queue knows it: nothing of it is secret. */
export type QueueTarget = { id: string; events: readonly NoticeEvent[] | undefined; againMinutes: number };

/** A notice that waits; `dropped` counts those that came after it and found no room. */
export type Waiting = { seq: number; notice: Notice; dropped: number };

/** How many notices may wait for one target; one more is dropped, and counted. */
export const MOST_WAITING = 200;
/** How often an occurrence is told again at most. Each time it has lasted twice as long. */
const MOST_AGAIN = 5;
/** How many notices that nobody waits for any more are kept. */
const KEPT = 1_000;

type Row = { id: number; key: string; event: NoticeEvent; told: string; opened_at: string };

/** What is so now, and the keys of open occurrences of which nobody can say now whether they are. */
export type Look = { seen: readonly Seen[]; held?: ReadonlySet<string> };

/**
 * Compares what is so now with the occurrences that are open: begins, ends and repeats them, and puts the notices of
 * that into the queues. It runs inside a write. Returns whether anything waits that did not before.
 */
export function noteSeen(
  ledger: Ledger,
  voyage: { id: string; stack: string },
  { seen, held }: Look,
  targets: readonly QueueTarget[],
): boolean {
  const { store } = ledger;
  const open = store.all<Row>("SELECT id, key, event, told, opened_at FROM occurrences WHERE resolved_at IS NULL ORDER BY id");
  const known = new Set(open.map(({ key }) => key));
  const now = new Map(seen.map((each) => [each.key, each]));
  let news = false;
  const tell = (row: Row, state: NoticeState, count: number, to: readonly QueueTarget[]) => {
    if (to.length === 0) return;
    news = true;
    enqueue(ledger, noticeOf(voyage, row, state, count, ledger.at()), row.id, to);
  };

  for (const row of open) {
    if (held?.has(row.key) && !now.has(row.key)) continue;
    const still = now.get(row.key);
    if (still) {
      for (const target of targets) {
        const count = dueAgain(ledger, row, target);
        if (count !== null) tell({ ...row, told: toldOf(still) }, "again", count, [target]);
      }
    } else {
      store.run("UPDATE occurrences SET resolved_at = ? WHERE id = ?", ledger.at(), row.id);
      tell(
        row,
        "resolved",
        0,
        targets.filter(({ id }) => lastOf(ledger, row.id, id) !== undefined),
      );
    }
  }
  for (const each of now.values()) {
    if (known.has(each.key) || (each.once && store.one("SELECT 1 FROM occurrences WHERE key = ? LIMIT 1", each.key))) continue;
    const at = ledger.at();
    const told = toldOf(each);
    const { rowId } = store.run(
      "INSERT INTO occurrences (key, event, told, opened_at, resolved_at) VALUES (?, ?, ?, ?, ?)",
      each.key,
      each.event,
      told,
      at,
      each.once ? at : null,
    );
    const row = { id: rowId, key: each.key, event: each.event, told, opened_at: at };
    tell(
      row,
      "opened",
      0,
      targets.filter(({ events }) => !events || events.includes(each.event)),
    );
  }
  if (news) prune(ledger);
  return news;
}

/** The keys of the occurrences that are open, and when each began. */
export const openOccurrences = (ledger: Ledger): Map<string, string> =>
  new Map(
    ledger.store
      .all<{ key: string; at: string }>("SELECT key, opened_at AS at FROM occurrences WHERE resolved_at IS NULL")
      .map(({ key, at }) => [key, at]),
  );

const toldOf = ({ of, title, message, detail, hint }: Seen) => JSON.stringify({ of, title, message, detail, hint });

function noticeOf(voyage: { id: string; stack: string }, row: Row, state: NoticeState, count: number, at: string): Notice {
  const { of, title, message, detail, hint } = JSON.parse(row.told) as Pick<
    Notice,
    "of" | "title" | "message" | "detail" | "hint"
  >;
  const occurrence = `${voyage.id}-${row.id}`;
  const before = { opened: "", again: "still: ", resolved: "over: ", test: "test: " }[state];
  const over = state === "resolved";
  return {
    id: `${occurrence}-${state}${count > 0 ? `-${count}` : ""}`,
    occurrence,
    state,
    event: row.event,
    voyage: voyage.id,
    stack: voyage.stack,
    of,
    title: `${before}${title}`,
    message: over ? `this is over: ${message}` : message,
    detail: over ? "" : detail,
    hint: over ? "" : hint,
    link: "",
    since: row.opened_at,
    at,
  };
}

type Last = { state: NoticeState; at: string; status: string; count: number };

/** The newest notice of an occurrence that a target got, or waits for. */
const lastOf = (ledger: Ledger, occurrence: number, target: string): Last | undefined =>
  ledger.store.one<Last>(
    `SELECT at, status, (SELECT count(*) FROM notices WHERE occurrence = n.occurrence AND target = n.target) AS count
     FROM notices AS n WHERE occurrence = ? AND target = ? ORDER BY seq DESC LIMIT 1`,
    occurrence,
    target,
  );

/** The how manieth time the occurrence is to be told again to the target now; null while it is not. */
function dueAgain(ledger: Ledger, row: Row, { id, againMinutes }: QueueTarget): number | null {
  if (againMinutes === 0) return null;
  const last = lastOf(ledger, row.id, id);
  if (!last || last.status === "waiting" || last.count > MOST_AGAIN) return null;
  const dueMs = Date.parse(last.at) + againMinutes * 60_000 * 2 ** (last.count - 1);
  return Date.parse(ledger.at()) >= dueMs ? last.count : null;
}

function enqueue(ledger: Ledger, notice: Notice, occurrence: number, targets: readonly QueueTarget[]): void {
  const { store } = ledger;
  for (const { id } of targets) {
    const waiting = store.one<{ n: number; last: number | null }>(
      "SELECT count(*) AS n, max(seq) AS last FROM notices WHERE target = ? AND status = 'waiting'",
      id,
    )!;
    if (waiting.n >= MOST_WAITING) store.run("UPDATE notices SET dropped = dropped + 1 WHERE seq = ?", waiting.last);
    else
      store.run(
        "INSERT INTO notices (target, occurrence, body, status, at) VALUES (?, ?, ?, 'waiting', ?)",
        id,
        occurrence,
        JSON.stringify(notice),
        notice.at,
      );
  }
}

/** Forgets the oldest notices that nobody waits for, but of occurrences that are open all. */
function prune(ledger: Ledger): void {
  ledger.store.run(
    `DELETE FROM notices WHERE status <> 'waiting' AND seq <= (SELECT max(seq) FROM notices) - ?
     AND occurrence IN (SELECT id FROM occurrences WHERE resolved_at IS NOT NULL)`,
    KEPT,
  );
}

/** The oldest notice that waits for a target. */
export function nextWaiting(ledger: Ledger, target: string): Waiting | undefined {
  const row = ledger.store.one<{ seq: number; body: string; dropped: number }>(
    "SELECT seq, body, dropped FROM notices WHERE target = ? AND status = 'waiting' ORDER BY seq LIMIT 1",
    target,
  );
  return row && { seq: row.seq, dropped: row.dropped, notice: JSON.parse(row.body) as Notice };
}

/** Notes what became of a notice; `error` is null where it is there. It runs inside a write. */
export function noteDelivered(ledger: Ledger, seq: number, tries: number, error: string | null): void {
  ledger.store.run(
    "UPDATE notices SET status = ?, tries = ?, error = ?, done_at = ? WHERE seq = ?",
    error === null ? "sent" : "failed",
    tries,
    error,
    ledger.at(),
    seq,
  );
}

/** Drops what waits for targets that are not among these, or, without any, all. It runs inside a write. */
export function dropOthers(ledger: Ledger, targets: readonly string[], why: string): number {
  return ledger.store.run(
    "UPDATE notices SET status = 'dropped', error = ?, done_at = ? WHERE status = 'waiting' AND target NOT IN (SELECT value FROM json_each(?))",
    why,
    ledger.at(),
    JSON.stringify(targets),
  ).changes;
}

/** How a target fares: how many wait, how many were dropped for want of room, and its newest notice that is through. */
export type TargetRecord = {
  waiting: number;
  dropped: number;
  last: { notice: string; at: string; tries: number; error: string | null } | null;
};

export function targetRecord(ledger: Ledger, target: string): TargetRecord {
  const { store } = ledger;
  const sums = store.one<{ waiting: number; dropped: number }>(
    "SELECT count(*) FILTER (WHERE status = 'waiting') AS waiting, coalesce(sum(dropped), 0) AS dropped FROM notices WHERE target = ?",
    target,
  )!;
  const last = store.one<{ body: string; at: string; tries: number; error: string | null }>(
    "SELECT body, done_at AS at, tries, error FROM notices WHERE target = ? AND status IN ('sent', 'failed') ORDER BY seq DESC LIMIT 1",
    target,
  );
  return {
    ...sums,
    last: last ? { notice: (JSON.parse(last.body) as Notice).id, at: last.at, tries: last.tries, error: last.error } : null,
  };
}

/** The newest notices of all targets, the newest first. */
export function newestNotices(ledger: Ledger, most: number) {
  return ledger.store
    .all<{
      target: string;
      body: string;
      status: "waiting" | "sent" | "failed" | "dropped";
      tries: number;
      error: string | null;
      done_at: string | null;
    }>("SELECT target, body, status, tries, error, done_at FROM notices ORDER BY seq DESC LIMIT ?", most)
    .map(({ body, done_at, ...row }) => ({ ...row, doneAt: done_at, notice: JSON.parse(body) as Notice }));
}
