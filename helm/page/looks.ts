import { askSyncs, collectStatus } from "../../lib/watch/collect.ts";
import { aboutVoyage, pasteableIn } from "../../lib/watch/hint.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import type { PageView, PageVoyage } from "../../lib/watch/page-api.ts";
import type { StatusView } from "../../lib/watch/view.ts";
import type { Voyages } from "../voyages.ts";
import type { Sinkings } from "./sinking.ts";

/** How long a look is good while the helm tells of no change, in ms; and one at files alone. */
const GOOD_MS = 1_500;
const FILES_MS = 10_000;
/** How long what the sync daemon has said is good, in ms. */
const SYNCS_MS = 5_000;
/** How many views are kept, those that were made last. */
const MOST_KEPT = 16;

type Syncs = ReturnType<typeof askSyncs>;
type Seen = { view: Promise<StatusView>; at: number; sunkAt: string | undefined; isDirty: boolean; fromHelm: boolean };

/**
 * Looks at voyages, each once for all who want to see it. A voyage that this helm has open is not asked for by the
 * socket; of one that has sunk nothing changes any more, so that it is read once.
 */
export class Looks {
  readonly #voyages: Voyages;
  readonly #sinkings: Sinkings;
  readonly #seen = new Map<string, Seen>();
  /** The rows of voyages that have sunk: their views are not kept for the list's sake. */
  readonly #sunk = new Map<string, PageVoyage>();
  readonly #syncs = new Map<string, { at: number; syncs: Syncs }>();

  constructor(voyages: Voyages, sinkings: Sinkings) {
    this.#voyages = voyages;
    this.#sinkings = sinkings;
  }

  /** The view of a voyage, not older than its last change. */
  async at(known: KnownVoyage): Promise<PageView> {
    const upCommand = pasteableIn(null, `pulumi up -s ${known.file.stack}`, aboutVoyage(known.file));
    // The page shows what `landed` has; the record of the landing holds whole reviews.
    const { landing: _, ...view } = await this.#look(known);
    return { ...view, sinking: this.#sinkings.of(known), upCommand } as unknown as PageView;
  }

  /** The voyage's row in the list of all. */
  async rowOf(known: KnownVoyage): Promise<PageVoyage> {
    const { file } = known;
    const key = `${file.voyageId} ${file.sunkAt}`;
    const before = this.#sunk.get(key);
    if (before) return before;
    const row = await this.#rowOf(known);
    if (file.sunkAt) this.#sunk.set(key, row);
    return row;
  }

  async #rowOf(known: KnownVoyage): Promise<PageVoyage> {
    const { file } = known;
    const { name, state, sunkAs, tasks, ships, spend, attention } = await this.#look(known);
    return {
      id: file.voyageId,
      stack: file.stack,
      name,
      state,
      sunkAs,
      createdAt: file.createdAt,
      sunkAt: file.sunkAt ?? null,
      tasks: { total: tasks.total, accepted: tasks.accepted, cancelled: tasks.cancelled },
      ships: ships.length,
      costUsd: spend?.costUsd ?? null,
      budgetUsd: spend?.budgetUsd ?? null,
      needsYou: attention.length,
    };
  }

  /** Calls back when the helm tells that something of a voyage has changed. */
  watch(id: string, onChange: () => void): () => void {
    const stop = this.#voyages.get(id)?.voyage.context.watch(() => {
      this.forget(id);
      onChange();
    });
    return stop ?? (() => {});
  }

  /** Takes what was seen of a voyage for old. */
  forget(id: string): void {
    const seen = this.#seen.get(id);
    if (seen) seen.isDirty = true;
  }

  /** The sync daemon is asked by a program that has to be started each time: not as often as the helm itself. */
  #syncsOf(known: KnownVoyage): Syncs {
    const { voyageId, sunkAt } = known.file;
    if (sunkAt !== undefined) return Promise.resolve(null);
    const before = this.#syncs.get(voyageId);
    if (before && performance.now() - before.at < SYNCS_MS) return before.syncs;
    const syncs = askSyncs(known);
    this.#syncs.set(voyageId, { at: performance.now(), syncs });
    return syncs;
  }

  #look(known: KnownVoyage): Promise<StatusView> {
    const { voyageId, sunkAt } = known.file;
    const open = this.#voyages.get(voyageId)?.voyage;
    const seen = this.#seen.get(voyageId);
    const age = performance.now() - (seen?.at ?? 0);
    const fits = seen && seen.sunkAt === sunkAt && seen.fromHelm === (open !== undefined) && !seen.isDirty;
    if (fits && (sunkAt !== undefined || age < (open ? GOOD_MS : FILES_MS))) return seen.view;
    const ask = async () => open?.status() ?? new Error("the helm does not have it");
    const view = collectStatus(known, { ask, syncs: (voyage) => this.#syncsOf(voyage), from: null });
    const now: Seen = { view, at: performance.now(), sunkAt, isDirty: false, fromHelm: open !== undefined };
    this.#seen.delete(voyageId);
    this.#seen.set(voyageId, now);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= MOST_KEPT) break;
      this.#seen.delete(oldest);
    }
    view.catch(() => {
      now.isDirty = true;
    });
    return view;
  }
}
