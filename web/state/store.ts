import { batch, computed, signal } from "@preact/signals";
import { Keyed } from "./keyed.ts";
import type { Attention, Head, Link, PageVoyage, ShipView, TaskRow, View, ViewChange } from "./model.ts";
import { listen } from "./stream.ts";

/** What the page knows: it is the last that the helm said, and nothing is made up in between. */
export const link = signal<Link>({ state: "connecting", since: Date.now() });
export const voyages = signal<PageVoyage[] | null>(null);
/** The id of the voyage that is shown. */
export const current = signal<string | null>(null);
export const head = signal<Head | null>(null);
/** True where the helm has said that the voyage that is shown is not there. */
export const isGone = signal(false);
export const ships = new Keyed<ShipView>((row) => row.ship);
export const tasks = new Keyed<TaskRow>((row) => row.id);

export const attention = computed<Attention[]>(() => head.value?.attention ?? []);
/** What needs the captain in all voyages; of the one that is shown, by its newest rows. */
export const needsYou = computed(() =>
  (voyages.value ?? []).reduce(
    (all, { id, needsYou }) => all + (id === current.value && head.value ? attention.value.length : needsYou),
    0,
  ),
);
/** False while what is shown may be out of date. */
export const isLive = computed(() => link.value.state === "live");

let say: (voyage: string | null) => void = () => {};
let build: string | null = null;

/** Begins to listen, and shows the voyage that the address names, else the one that most needs somebody. */
export function startStore(): void {
  say = listen((told) =>
    batch(() => {
      if (told.kind === "link") link.value = told.link;
      else if (told.kind === "build") followBuild(told.build);
      else if (told.kind === "voyages") {
        voyages.value = told.voyages;
        if (current.value === null) choose(fromAddress() ?? firstOf(told.voyages));
      } else if (told.kind === "view") {
        if (told.voyage === current.value) takeView(told.view);
      } else if (told.kind === "change") {
        if (told.change.voyage === current.value) takeChange(told.change);
      } else if (told.voyage === current.value) {
        isGone.value = true;
      }
    }),
  );
  say(null);
  addEventListener("hashchange", () => {
    const named = fromAddress();
    if (named && named !== current.value) choose(named);
  });
}

/** Shows a voyage. */
export function choose(id: string | null): void {
  if (id === null || id === current.value) return;
  batch(() => {
    current.value = id;
    head.value = null;
    isGone.value = false;
    ships.replace([]);
    tasks.replace([]);
  });
  if (fromAddress() !== id) history.replaceState(null, "", `#${stackOf(id)}`);
  say(id);
}

const stackOf = (id: string) => voyages.peek()?.find((voyage) => voyage.id === id)?.stack ?? id;

/** The voyage that the address names after its "#", by stack or by id. */
function fromAddress(): string | null {
  const named = decodeURIComponent(location.hash.slice(1));
  return voyages.peek()?.find(({ id, stack }) => named !== "" && (id === named || stack === named))?.id ?? null;
}

function firstOf(all: readonly PageVoyage[]): string | null {
  const atSea = all.filter(({ state }) => state !== "sunk");
  const pressing = [...atSea].sort((a, b) => b.needsYou - a.needsYou)[0];
  const newest = [...all].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
  return (pressing ?? newest)?.id ?? null;
}

function takeView({ ships: shipRows, taskRows, ...rest }: View): void {
  head.value = rest;
  isGone.value = false;
  ships.replace(shipRows);
  tasks.replace(taskRows);
}

function takeChange(change: ViewChange): void {
  if (!head.value) return;
  if (change.set) head.value = { ...head.value, ...(change.set as Partial<Head>) };
  if (change.ships) ships.change(change.ships.rows as ShipView[], change.ships.gone, change.ships.order);
  if (change.taskRows) tasks.change(change.taskRows.rows, change.taskRows.gone, change.taskRows.order);
}

/** A helm of other code may speak otherwise: the page is loaded anew. What was typed is kept (drafts.ts). */
function followBuild(now: string): void {
  if (build !== null && build !== now) location.reload();
  build = now;
}
