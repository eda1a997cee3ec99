import { type MutagenSession, passes } from "../mutagen/session.ts";
import { type SessionKind, sessionKinds } from "../mutagen/sessions.ts";
import type { Attention, ShipView, SyncView } from "./view.ts";

/** What the voyage's sync daemon says; null when it does not run. */
export type Syncs = Map<string, Map<SessionKind, MutagenSession>> | null;

/** Sessions by ship and kind. */
export function sortSessions(sessions: readonly MutagenSession[]): NonNullable<Syncs> {
  const byShip: NonNullable<Syncs> = new Map();
  for (const session of sessions) {
    const { ship, kind } = session.labels;
    if (!ship || !sessionKinds.includes(kind as SessionKind)) continue;
    const kinds = byShip.get(ship) ?? new Map<SessionKind, MutagenSession>();
    byShip.set(ship, kinds.set(kind as SessionKind, session));
  }
  return byShip;
}

/** The worst of a ship's three syncs. A ship asleep is out of reach by right. */
export function syncOf(syncs: Syncs, ship: string, state: ShipView["state"]): SyncView {
  if (!syncs) return { state: "unknown", text: "daemon not running" };
  const kinds = syncs.get(ship);
  const missing = sessionKinds.filter((kind) => !kinds?.has(kind));
  if (!kinds || missing.length === sessionKinds.length) return { state: "none", text: "no syncs" };
  const sessions = [...kinds].map(([kind, session]) => ({ kind, session }));
  const wrong = sessions.filter(({ session }) => inTrouble(session));
  if (wrong.length > 0)
    return { state: "trouble", text: wrong.map(({ kind, session }) => `${kind}: ${session.text}`).join("; ") };
  if (missing.length > 0) return { state: "trouble", text: `no ${missing.join(", ")} sync` };
  if (sessions.some(({ session }) => !session.connected))
    return state === "asleep" ? { state: "asleep", text: "asleep" } : { state: "away", text: "not connected" };
  const busy = sessions.find(({ session }) => session.status !== "watching");
  return busy ? { state: "busy", text: `${busy.kind}: ${busy.session.status}` } : { state: "ok", text: "ok" };
}

/** What does not pass by itself. */
const inTrouble = (session: MutagenSession) =>
  session.paused || session.halted !== null || session.conflicts.length > 0 || lasting(session).length > 0;

const lasting = ({ problems }: MutagenSession): string[] => problems.filter((problem) => !passes(problem));

/** Tells what of a ship's syncs needs the captain. @param mirror  the captain's copy of the ship's tree */
export function syncAttention(syncs: Syncs, ship: string, mirror: string, stack: string): Attention[] {
  const found: Attention[] = [];
  for (const [kind, session] of syncs?.get(ship) ?? []) {
    const add = (what: string, message: string, hint: string, verb: "up" | "none" = "up") =>
      found.push({
        ...{ id: `sync/${ship}/${kind}/${what}`, kind: "sync", of: ship, message, hint },
        // Mutagen does not say when it began.
        ...{ since: null, action: { verb, ship } },
      });
    if (session.halted || session.paused)
      add("halted", `the ${kind} sync of ${ship} stands still: ${session.halted ?? "paused"}`, `pulumi up -s ${stack}`);
    if (session.conflicts.length > 0)
      add(
        "conflicts",
        `the ${kind} sync of ${ship} has conflicts, and each side keeps its own: ${session.conflicts.join(", ")}`,
        `pulumi up -s ${stack}  # the ship's side is kept, and yours is put aside`,
      );
    const problems = lasting(session);
    if (problems.length > 0)
      add(
        "left-out",
        `the ${kind} sync of ${ship} leaves something out: ${problems.slice(0, 3).join("; ")}`,
        `ls -la ${mirror}`,
        "none",
      );
  }
  return found;
}
