import type { VoyageEvent } from "../../../lib/protocol/events.ts";
import type { StatusView } from "../../../lib/watch/view.ts";
import type { Claim, Segment, ShipFacts } from "./facts.ts";
import type { Spending } from "./spending.ts";
import type { Tables } from "./tables.ts";
import { lanesOf, withEarlier } from "./timeline.ts";

type Known = {
  events: readonly VoyageEvent[];
  claims: readonly Claim[];
  /** The claims of which no event tells. */
  earlier: readonly Claim[];
  tables: Tables;
  view: StatusView;
  spending: Spending;
  from: string;
  to: string;
  isWhole: boolean;
};

/** What each ship of the voyage did, those that are gone too, in the order of their numbers. */
export function shipsOf({ events, claims, earlier, tables, view, spending, from, to, isWhole }: Known): ShipFacts[] {
  const lanes = lanesOf(events, to, view.from === "helm" || view.state === "sunk");
  const now = new Map(view.ships.map((ship) => [ship.ship, ship.state]));
  const lives = Map.groupBy(tables.lives, ({ ship }) => ship);
  const accepted = Map.groupBy(
    tables.tasks.filter(({ status }) => status === "accepted"),
    ({ ship }) => ship,
  );
  const names = new Set([
    ...lives.keys(),
    ...lanes.keys(),
    ...claims.map(({ ship }) => ship),
    ...earlier.map(({ ship }) => ship),
  ]);
  return [...names].sort(byName).map((ship): ShipFacts => {
    const told = lanes.get(ship) ?? { segments: [], marks: [] };
    const before = earlier.filter((claim) => claim.ship === ship);
    const { segments, marks } = isWhole ? told : withEarlier(told, before, from, events[0]?.at ?? to);
    return {
      ship,
      state: view.state === "sunk" ? null : (now.get(ship) ?? null),
      lives: lives.get(ship)?.length ?? 0,
      cutOff: marks.filter(({ is }) => is === "cut off").length,
      accepted: accepted.get(ship)?.length ?? 0,
      seconds: {
        work: secondsOf(segments, "task", "verify"),
        free: secondsOf(segments, "free", "starting"),
        away: secondsOf(segments, "away", "fenced"),
        unknown: secondsOf(segments, "not known"),
      },
      usage: spending.byShip.get(ship) ?? null,
      segments,
      marks,
    };
  });
}

const byName = (a: string, b: string) => a.length - b.length || (a < b ? -1 : 1);

function secondsOf(segments: readonly Segment[], ...kinds: Segment["is"][]): number {
  const ms = segments
    .filter(({ is }) => kinds.includes(is))
    .reduce((all, { from, to }) => all + Date.parse(to) - Date.parse(from), 0);
  return ms / 1000;
}
