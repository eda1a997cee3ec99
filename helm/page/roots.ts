import { readLedger } from "../../lib/plan/read-ledger.ts";
import type { VoyageEvent } from "../../lib/protocol/events.ts";
import { allVoyages, type KnownVoyage } from "../../lib/watch/known.ts";
import type { EventsReply, PageVoyage } from "../../lib/watch/page-api.ts";
import { HttpError } from "../http-error.ts";
import type { Voyages } from "../voyages.ts";
import { cleaned } from "./clean.ts";
import { LogReaders } from "./logs.ts";
import { Looks } from "./looks.ts";
import { order } from "./orders.ts";
import type { PageRoots } from "./server.ts";
import { Sinkings } from "./sinking.ts";

/** How long the list of the captain's folders is good, in ms. */
const LIST_MS = 1_500;

/** What the page is made from: the voyages that this helm has open, and the folders of all others of this captain. */
export function pageRoots(voyages: Voyages): PageRoots {
  const readers = new LogReaders();
  const sinkings = new Sinkings();
  const looks = new Looks(voyages, sinkings);
  let list: { at: number; known: Promise<KnownVoyage[]> } = { at: Number.NEGATIVE_INFINITY, known: Promise.resolve([]) };
  const all = (): Promise<KnownVoyage[]> => {
    if (performance.now() - list.at > LIST_MS) list = { at: performance.now(), known: allVoyages().then(({ known }) => known) };
    return list.known;
  };
  const find = async (id: string) => (await all()).find(({ file }) => file.voyageId === id);
  const need = async (id: string): Promise<KnownVoyage> => {
    const known = await find(id);
    if (known) return known;
    throw new HttpError(404, "NO_VOYAGE", "there is no such voyage");
  };
  return {
    async voyages() {
      const rows: PageVoyage[] = [];
      for (const known of await all()) rows.push(await looks.rowOf(known));
      return rows;
    },
    async view(id) {
      const known = await find(id);
      return known ? looks.at(known) : null;
    },
    watch: (id, onChange) => looks.watch(id, onChange),
    async events(id, ask) {
      const { folder } = await need(id);
      const at = voyages.get(id)?.voyage;
      const read = (after: number, limit: number) =>
        at ? at.events(after, limit) : readLedger(folder.ledger, (file) => file.events(after, limit));
      return cleaned(pageOf(read, ask));
    },
    logs: async (id, ask) => readers.read(id, (await need(id)).folder.logs, ask),
    async order(id, action) {
      const reply = await order(voyages, sinkings, await need(id), action);
      looks.forget(id);
      return cleaned(reply);
    },
    close: () => readers.close(),
  };
}

type Read = (after: number, limit: number) => { events: VoyageEvent[]; last: number } | null;

/** A page of events: those after one, those before one, or the newest. Numbers rise without gaps. */
function pageOf(
  read: Read,
  { after, before, limit }: { after?: number | undefined; before?: number | undefined; limit: number },
) {
  const none: EventsReply = { events: [], last: 0 };
  const last = read(Number.MAX_SAFE_INTEGER, 1)?.last ?? 0;
  const end = Math.min(before ?? last + 1, last + 1);
  const from = after ?? Math.max(0, end - 1 - limit);
  const most = after === undefined ? Math.min(limit, end - 1 - from) : limit;
  if (most <= 0) return { ...none, last };
  const { events } = read(from, most) ?? none;
  return { events, last } as EventsReply;
}
