import type { VoyageEvent } from "../../../lib/protocol/events.ts";
import type { Hold } from "./facts.ts";

/** What held the voyage, or one ship of it: pauses, usage limits, and a budget that was spent. */
export function holdsOf(events: readonly VoyageEvent[]): Hold[] {
  const holds: Hold[] = [];
  const open = new Map<string, Hold>();
  const begin = (is: Hold["is"], { at, ship }: VoyageEvent, text: string) => {
    const key = `${is} ${ship ?? ""}`;
    if (open.has(key)) return;
    const hold: Hold = { is, from: at, to: null, ship: ship ?? null, text };
    holds.push(hold);
    open.set(key, hold);
  };
  const end = (at: string, isMeant: (hold: Hold) => boolean) => {
    for (const [key, hold] of open)
      if (isMeant(hold)) {
        hold.to = at;
        open.delete(key);
      }
  };
  for (const event of events) {
    const { at, kind, ship, reason, data } = event;
    if (kind === "paused") begin("paused", event, reason ?? "the captain paused the voyage");
    else if (kind === "resumed") end(at, ({ is }) => is === "paused");
    else if (kind === "limit-begun") begin("limit", event, [reason ?? "a usage limit", untilOf(data)].filter(Boolean).join(", "));
    else if (kind === "limit-over") end(at, (hold) => hold.is === "limit" && (ship === undefined || hold.ship === ship));
    else if (kind === "budget-spent") begin("budget", event, reason ?? "the voyage's budget was spent");
    else if (kind === "budget-changed" || kind === "task-granted") end(at, ({ is }) => is === "budget");
    else if (kind === "voyage-deregistered") end(at, () => true);
  }
  return holds;
}

const untilOf = (data: VoyageEvent["data"]) => (typeof data?.until === "string" ? `until ${data.until}` : "");
