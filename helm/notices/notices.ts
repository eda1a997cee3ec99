import type { Notice, NoticeEvent } from "../../lib/notices/events.ts";
import { NOTICE_EVENTS } from "../../lib/notices/events.ts";
import type { KeptTarget } from "../../lib/notices/kept-targets.ts";
import { AGAIN_MINUTES, labelOf } from "../../lib/notices/targets.ts";
import type { NoticesReply, NoticeTestReply } from "../../lib/protocol/admin-api.ts";
import type { Unreached } from "../../lib/protocol/status.ts";
import type { LandingLook } from "../../lib/watch/landed.ts";
import type { Attention } from "../../lib/watch/view.ts";
import {
  dropOthers,
  type Look,
  newestNotices,
  nextWaiting,
  noteDelivered,
  noteSeen,
  openOccurrences,
  targetRecord,
  type Waiting,
} from "../ledger/notices.ts";
import type { VoyageContext } from "../voyage/context.ts";
import { voyageStatus } from "../voyage/status.ts";
import { type Delivery, deliver, type Surroundings, TEST_WAITS_MS, WAITS_MS } from "./deliver.ts";
import { Watch } from "./occurrences.ts";

/**
 * How soon after a change the voyage is looked at: many changes are one look. Of a large voyage a look takes long, in
 * which no ship is answered, so that it comes later there.
 */
const SOON_MS = 1_000;
const LATEST_MS = 10_000;
const TIMES_A_LOOK = 40;
/** How long the end of a voyage waits for notices that were not sent yet. */
const LAST_MS = 10_000;

/** How long what the sync daemon has said is good. */
const SYNCS_MS = 60_000;

/** How many of the newest notices are told. */
const MOST_TOLD = 100;

/** What notices need from around them. */
export type NoticesParts = {
  context: VoyageContext;
  workspace: string;
  targets: readonly KeptTarget[];
  /** Reads what has become of the voyage's landing. @default it has none, and nowhere to land */
  landing?: () => Promise<LandingLook>;
  /** What of the ships' syncs needs the captain; null while their daemon cannot be asked. @default it is never asked */
  syncs?: (ships: readonly string[]) => Promise<Attention[] | null>;
  /** Where the page is served. @default nowhere */
  pageAt?: () => string | null;
  /** The waits between tries, in milliseconds, and how long one try takes at most. */
  waitsMs?: readonly number[];
  tryMs?: number;
};

/**
 * The notices of one voyage. A look compares what is so with the occurrences of the ledger, and fills the queues; each
 * target has its own, and one that is slow holds up no other. Nothing here is waited for by a ship's call.
 */
export class Notices {
  readonly #parts: NoticesParts;
  readonly #watch = new Watch();
  readonly #abort = new AbortController();
  readonly #busy = new Map<string, Promise<void>>();
  #targets: readonly KeptTarget[];
  #soon: NodeJS.Timeout | undefined;
  #soonMs = SOON_MS;
  #syncs: { at: number; needs: Attention[] | null } = { at: Number.NEGATIVE_INFINITY, needs: null };
  readonly #unwatch: () => void;

  constructor(parts: NoticesParts) {
    this.#parts = parts;
    this.#targets = parts.targets;
    parts.context.unreached = () => this.#unreached();
    this.#unwatch = parts.context.watch(() => this.#lookSoon());
  }

  /** Takes other targets. What waits for a target that is none any more is dropped. */
  async setTargets(targets: readonly KeptTarget[]): Promise<void> {
    this.#targets = targets;
    await this.#drop(
      targets.map(({ id }) => id),
      "its target is set no more",
    );
    await this.look();
  }

  /** Looks at the voyage, and lets go out what waits. Without targets it does nothing. */
  async look(): Promise<void> {
    if (this.#targets.length === 0 || this.#abort.signal.aborted) return;
    const { context } = this.#parts;
    const landing = await this.#parts.landing?.();
    if (this.#abort.signal.aborted) return;
    this.#lookAtSyncs();
    const began = performance.now();
    const status = voyageStatus(context);
    const others = { syncs: this.#syncs.needs, ...(landing && { landing }) };
    const look = this.#watch.look(status, openOccurrences(context.ledger), context.clock.now(), others);
    this.#soonMs = Math.min(LATEST_MS, Math.max(SOON_MS, TIMES_A_LOOK * (performance.now() - began)));
    await this.#note(look);
  }

  /**
   * Asks the sync daemon, by a program that has to be started each time: seldom, and only for who wants to be told.
   * What it says counts from the next look on.
   */
  #lookAtSyncs(): void {
    const { syncs, context } = this.#parts;
    const wants = this.#targets.some(({ target }) => target.events === undefined || target.events.includes("sync-trouble"));
    if (!syncs || !wants || context.clock.now() - this.#syncs.at < SYNCS_MS) return;
    this.#syncs = { ...this.#syncs, at: context.clock.now() };
    void syncs(context.ledger.ships().map(({ ship }) => ship))
      .catch(() => null)
      .then((needs) => {
        this.#syncs = { ...this.#syncs, needs };
      });
  }

  async #note(look: Look): Promise<void> {
    const { ledger, id } = this.#parts.context;
    const targets = this.#targets.map(({ id, target }) => ({
      id,
      events: target.events,
      againMinutes: target.againMinutes ?? AGAIN_MINUTES,
    }));
    await ledger.write(() => noteSeen(ledger, { id, stack: ledger.meta("stack") ?? "" }, look, targets));
    this.#send();
  }

  /** Sends what waits, at each target one notice after the other. */
  #send(): void {
    for (const kept of this.#targets) {
      if (this.#busy.has(kept.id)) continue;
      const first = nextWaiting(this.#parts.context.ledger, kept.id);
      if (!first) continue;
      const work = this.#drain(kept, first)
        .catch((error: unknown) =>
          this.#parts.context.log("notices-failed", { voyage: this.#parts.context.id, error: String(error) }),
        )
        .finally(() => this.#busy.delete(kept.id));
      this.#busy.set(kept.id, work);
    }
  }

  async #drain(kept: KeptTarget, first: Waiting): Promise<void> {
    const { ledger, log, id: voyage } = this.#parts.context;
    const isSet = () => this.#targets.some(({ id }) => id === kept.id);
    for (let next: Waiting | undefined = first; next && isSet(); next = nextWaiting(ledger, kept.id)) {
      const { seq, dropped, notice } = next;
      const whole = { ...(dropped > 0 ? withDropped(notice, dropped) : notice), link: this.#link() };
      const sent = await deliver(kept.target, whole, this.#around());
      if (this.#abort.signal.aborted) return; // It is not known to be there: the next helm sends it.
      await ledger.write(() => noteDelivered(ledger, seq, sent.tries, sent.error ?? null));
      log(sent.error === undefined ? "notice-sent" : "notice-failed", {
        voyage,
        notice: notice.id,
        target: this.#labelOf(kept),
        tries: sent.tries,
        ...(sent.error !== undefined && { error: sent.error }),
      });
    }
  }

  /** Sends a test to every target at once, outside of the queues, and tells what became of each. */
  async test(event: NoticeEvent): Promise<NoticeTestReply> {
    const { ledger, id, clock } = this.#parts.context;
    const stack = ledger.meta("stack") ?? "";
    const at = new Date(clock.wallMs()).toISOString();
    const notice: Notice = {
      id: `${id}-test-${clock.wallMs()}`,
      occurrence: `${id}-test`,
      state: "test",
      event,
      voyage: id,
      stack,
      of: stack,
      title: `test: ${stack}: ${NOTICE_EVENTS[event]}`,
      message: "this is a test of ocaptain:notify; nothing has happened",
      detail: "",
      hint: `ocaptain status ${stack}`,
      link: this.#link(),
      since: at,
      at,
    };
    const results = await Promise.all(
      this.#targets.map(async (kept) => ({
        target: this.#labelOf(kept),
        wants: kept.target.events === undefined || kept.target.events.includes(event),
        ...told(await deliver(kept.target, notice, { ...this.#around(), waitsMs: TEST_WAITS_MS })),
      })),
    );
    return { notice: notice.id, targets: results };
  }

  #unreached(): Unreached[] {
    return this.#records().flatMap(({ target, last }) => (last?.error ? [{ target, why: last.error, at: last.at }] : []));
  }

  #records(): NoticesReply["targets"] {
    return this.#targets.map((kept) => ({ target: this.#labelOf(kept), ...targetRecord(this.#parts.context.ledger, kept.id) }));
  }

  /** How each target fares, and the newest notices. */
  newest(): NoticesReply {
    const labels = new Map(this.#targets.map((kept) => [kept.id, this.#labelOf(kept)]));
    const notices = newestNotices(this.#parts.context.ledger, MOST_TOLD).map(({ target, notice, ...row }) => {
      const { id, state, event, of, message, at } = notice;
      return { id, state, event, of, message, at, target: labels.get(target) ?? null, ...row };
    });
    return { targets: this.#records(), notices };
  }

  /** Tells that all that is open is over with the voyage, and waits a while until that is sent; then it is closed. */
  async end(): Promise<void> {
    if (this.#targets.length > 0 && !this.#abort.signal.aborted) {
      await this.#note({ seen: [] });
      const over = AbortSignal.timeout(LAST_MS);
      const timeout = new Promise<void>((resolve) => over.addEventListener("abort", () => resolve(), { once: true }));
      await Promise.race([Promise.all(this.#busy.values()), timeout]);
    }
    this.close();
    const dropped = await this.#drop([], "the voyage ended before it was sent");
    if (dropped > 0) this.#parts.context.log("notices-dropped", { voyage: this.#parts.context.id, count: dropped });
  }

  close(): void {
    this.#unwatch();
    clearTimeout(this.#soon);
    this.#abort.abort();
  }

  #drop(but: readonly string[], why: string): Promise<number> {
    const { ledger } = this.#parts.context;
    return ledger.write(() => dropOthers(ledger, but, why));
  }

  #lookSoon(): void {
    if (this.#targets.length === 0) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.look().catch((error: unknown) => this.#parts.context.log("notices-failed", { error: String(error) }));
    }, this.#soonMs);
  }

  #around(): Surroundings {
    const { context, workspace, waitsMs = WAITS_MS, tryMs } = this.#parts;
    return {
      workspace,
      wallMs: () => context.clock.wallMs(),
      signal: this.#abort.signal,
      waitsMs,
      ...(tryMs !== undefined && { tryMs }),
    };
  }

  /** The address as it is when a notice is sent: the page may be served at another one than when it was made. */
  #link(): string {
    const at = this.#parts.pageAt?.() ?? null;
    return at === null ? "" : `${at}/#${encodeURIComponent(this.#parts.context.ledger.meta("stack") ?? "")}`;
  }

  #labelOf = (kept: KeptTarget) => labelOf(kept.target, this.#targets.indexOf(kept));
}

const withDropped = (notice: Notice, dropped: number): Notice => ({
  ...notice,
  message: `${notice.message} (${dropped} notices after this one were dropped, as too many waited)`,
});

const told = ({ status, error, tries, seconds, said }: Delivery) => ({
  ok: error === undefined,
  status: status ?? null,
  error: error ?? null,
  tries,
  seconds,
  ...(said !== undefined && { said }),
});
