import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { readLedger } from "../../lib/plan/read-ledger.ts";
import { MOST_EVENTS, type VoyageEvent, type VoyageEvents } from "../../lib/protocol/events.ts";
import { collectStatus } from "../../lib/watch/collect.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import type { StatusView } from "../../lib/watch/view.ts";
import type { Io } from "../output/io.ts";
import { changesBetween } from "../status/changes.ts";
import { sameVoyage } from "../target/choose-voyage.ts";
import { pause, status, unlessGone, waitedFor } from "./status.ts";

/**
 * `ocaptain watch [voyage]`: as `status --watch`; with `--json` a stream for scripts, a line a change
 * (docs/watching.md#as-a-stream).
 */
export async function watch(name: string | undefined, io: Io): Promise<void> {
  if (!io.json) return status(name, { watch: true }, io);
  let streams = (await waitedFor(name, io)).map((voyage) => new Stream(voyage, io));
  while (streams.length > 0 && !io.signal.aborted) {
    const isOver = await Promise.all(streams.map((stream) => stream.look()));
    streams = streams.filter((_, index) => !isOver[index]);
    if (streams.length > 0) await pause(io);
  }
}

/** The lines of one voyage, from its whole view to its end. */
class Stream {
  readonly #io: Io;
  #voyage: KnownVoyage;
  #view: StatusView | undefined;
  /** The newest event that was told, or was there when the stream began. */
  #seq = 0;
  #isAway = false;

  constructor(voyage: KnownVoyage, io: Io) {
    this.#voyage = voyage;
    this.#io = io;
  }

  /** Looks once, and tells what is new. Returns whether the voyage has come to its end. */
  async look(): Promise<boolean> {
    const voyage = await unlessGone(sameVoyage(this.#voyage));
    if (!voyage) return this.#end("its folder is gone");
    this.#voyage = voyage;
    // Before the view, so that no event is told of which the view does not know.
    const events = await this.#events();
    const view = await collectStatus(voyage);
    const isSunk = view.state === "sunk";
    if (!this.#view) this.#say({ type: "view", view });
    // What the files say while the helm is away is older than what was told.
    if (view.from === "files" && !isSunk) return this.#away(view);
    if (this.#isAway) this.#say({ type: "helm", away: false });
    this.#isAway = false;
    for (const event of events) this.#say({ type: "event", event });
    if (this.#view) for (const change of changesBetween(this.#view, view)) this.#say(change);
    this.#view = view;
    return isSunk && this.#end("the voyage has sunk", view);
  }

  #away(view: StatusView): false {
    this.#view ??= view;
    if (!this.#isAway) this.#say({ type: "helm", away: true, why: view.attention.find(({ kind }) => kind === "helm")?.message });
    this.#isAway = true;
    return false;
  }

  /** What has happened since the last look. Before the first one it is history, which is not told. */
  async #events(): Promise<VoyageEvent[]> {
    const isFirst = this.#view === undefined;
    const news: VoyageEvent[] = [];
    for (;;) {
      const { events, last } = await this.#eventsAfter(isFirst ? 0 : MOST_EVENTS);
      news.push(...events);
      this.#seq = isFirst ? last : (events.at(-1)?.seq ?? this.#seq);
      if (isFirst || events.length < MOST_EVENTS) return news;
    }
  }

  /** Asks the helm, or the ledger where no helm has the voyage any more. What neither says is told by a later look. */
  async #eventsAfter(limit: number): Promise<VoyageEvents> {
    const { file, folder } = this.#voyage;
    try {
      if (!file.sunkAt) return await helmClient().events(file.voyageId, this.#seq, limit);
      return readLedger(folder.ledger, (ledger) => ledger.events(this.#seq, limit)) ?? NOTHING;
    } catch {
      return { ...NOTHING, last: this.#seq };
    }
  }

  #end(why: string, view?: StatusView): true {
    this.#say({ type: "end", why, ...(view && { state: view.state, sunkAs: view.sunkAs }) });
    return true;
  }

  #say({ type, ...line }: { type: string } & Record<string, unknown>): void {
    const about = { type, voyage: this.#voyage.file.stack, at: new Date().toISOString() };
    this.#io.out(plainJson({ ...about, ...line }));
  }
}

const NOTHING: VoyageEvents = { events: [], last: 0, whole: false };
