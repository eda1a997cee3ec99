import type { StreamEvents, ViewChange } from "../../lib/watch/page-api.ts";
import { changedView } from "./apply-change.ts";
import type { Link, PageVoyage, View } from "./model.ts";

/** What a tab is told. */
export type Told =
  | { kind: "link"; link: Link }
  | { kind: "build"; build: string }
  | { kind: "voyages"; voyages: PageVoyage[] }
  | { kind: "view"; voyage: string; view: View }
  | { kind: "change"; change: ViewChange }
  | { kind: "gone"; voyage: string };

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;
/** The helm speaks each ten seconds at least; after this time without a word it counts as away. */
const SILENT_MS = 25_000;

/**
 * The one stream from the helm that all tabs share: a browser has six connections to one server, and a stream in each
 * tab would use them up. It holds what is known, so that a tab that comes later has all of it at once.
 */
export class Hub {
  readonly #tabs = new Map<(told: Told) => void, string | null>();
  readonly #views = new Map<string, View>();
  #link: Link = { state: "connecting", since: Date.now() };
  #voyages: PageVoyage[] | null = null;
  #build: string | null = null;
  #source: EventSource | null = null;
  #wanted = "";
  #retryMs = FIRST_RETRY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  /** A tab that is to be told, and the voyage whose whole view it shows. It may ask again, with another voyage. */
  show(tell: (told: Told) => void, voyage: string | null): void {
    const isNew = !this.#tabs.has(tell);
    this.#tabs.set(tell, voyage);
    if (isNew) {
      tell({ kind: "link", link: this.#link });
      if (this.#build) tell({ kind: "build", build: this.#build });
      if (this.#voyages) tell({ kind: "voyages", voyages: this.#voyages });
    }
    const view = voyage === null ? undefined : this.#views.get(voyage);
    if (view) tell({ kind: "view", voyage: voyage!, view });
    this.#open();
  }

  leave(tell: (told: Told) => void): void {
    this.#tabs.delete(tell);
    if (this.#tabs.size === 0) this.#close();
  }

  /** Opens the stream where it is not open for exactly the voyages that are shown. */
  #open(again = false): void {
    const wanted = [...new Set([...this.#tabs.values()].filter((voyage) => voyage !== null))].sort().join(",");
    if (!again && this.#source && wanted === this.#wanted) return;
    this.#close();
    this.#wanted = wanted;
    for (const voyage of this.#views.keys()) if (!wanted.split(",").includes(voyage)) this.#views.delete(voyage);
    const source = new EventSource(`/api/stream?voyages=${encodeURIComponent(wanted)}`);
    this.#source = source;
    this.#listen(source, "hello", ({ build }) => {
      this.#retryMs = FIRST_RETRY_MS;
      this.#build = build;
      this.#tell({ kind: "build", build });
      this.#setLink("live");
    });
    this.#listen(source, "voyages", ({ voyages }) => {
      this.#voyages = voyages;
      this.#tell({ kind: "voyages", voyages });
    });
    this.#listen(source, "view", ({ voyage, view }) => {
      this.#views.set(voyage, view as View);
      this.#tell({ kind: "view", voyage, view: view as View });
    });
    this.#listen(source, "change", (change) => {
      const view = this.#views.get(change.voyage);
      if (!view) return;
      this.#views.set(change.voyage, changedView(view, change));
      this.#tell({ kind: "change", change });
    });
    this.#listen(source, "gone", ({ voyage }) => {
      this.#views.delete(voyage);
      this.#tell({ kind: "gone", voyage });
    });
    this.#listen(source, "ping", () => {});
    source.onerror = () => this.#broken();
    this.#heard();
  }

  #listen<Name extends keyof StreamEvents>(source: EventSource, name: Name, act: (data: StreamEvents[Name]) => void): void {
    source.addEventListener(name, (event) => {
      if (source !== this.#source) return;
      this.#heard();
      act(JSON.parse((event as MessageEvent<string>).data) as StreamEvents[Name]);
    });
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#broken(), SILENT_MS);
  }

  #broken(): void {
    this.#close();
    if (this.#tabs.size === 0) return;
    this.#setLink("away");
    // A refused stream does not say why; a question of the ordinary kind does.
    void fetch("/api/session").then(
      ({ status }) => status === 401 && this.#setLink("signed-out"),
      () => {},
    );
    this.#timer = setTimeout(() => this.#open(true), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #setLink(state: Link["state"]): void {
    if (this.#link.state === state) return;
    // What is away since a time stays so when it is found to be signed out.
    const since = this.#link.state === "away" && state === "signed-out" ? this.#link.since : Date.now();
    this.#link = { state, since };
    this.#tell({ kind: "link", link: this.#link });
  }

  #tell(told: Told): void {
    for (const [tell, voyage] of this.#tabs) {
      const about = told.kind === "change" ? told.change.voyage : "voyage" in told ? told.voyage : null;
      if (about === null || about === voyage) tell(told);
    }
  }
}
