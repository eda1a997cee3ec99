import type { VoyageEvent } from "../../../lib/protocol/events.ts";
import type { Claim, ClaimEnd } from "./facts.ts";
import type { Tables } from "./tables.ts";

// Who held which task when, and how that ended.

/** The kinds of events that end a claim of a task. `task-blocked` comes beside one of them, or ends none. */
const ENDS = new Set<VoyageEvent["kind"]>(["task-accepted", "task-given-back", "task-released", "task-asked"]);
const VERIFY_ENDS: Partial<Record<VoyageEvent["kind"], ClaimEnd>> = {
  "verification-passed": "passed",
  "verification-failed": "failed",
  "verification-dropped": "dropped",
};

/**
 * The events with times that never go back: where the captain's clock was set back meanwhile, an event is taken to have
 * happened no earlier than the one before it. `wentBack` says whether it was.
 */
export function inOrder(events: readonly VoyageEvent[]): { events: VoyageEvent[]; wentBack: boolean } {
  let last = "";
  let wentBack = false;
  const ordered = events.map((event) => {
    if (Number.isNaN(Date.parse(event.at))) return { ...event, at: last };
    const at = new Date(event.at).toISOString();
    if (at < last) wentBack = true;
    else last = at;
    return { ...event, at: last };
  });
  return { events: ordered.filter(({ at }) => at !== ""), wentBack };
}

/** How an event ends the claim of its task. */
export function endOfClaim({ kind, data }: VoyageEvent): ClaimEnd {
  if (kind === "task-accepted") return "accepted";
  if (kind === "task-asked") return "asked";
  if (kind === "task-released") return data?.lost === true ? "lost" : "taken back";
  return data?.failed === true ? "failed" : "given back";
}

/**
 * The claims that events tell of, in the order in which they began. One whose end is not among the events goes on if
 * the ledger says that it is held, and else has an end that is not known.
 */
export function claimsOf(
  events: readonly VoyageEvent[],
  { tasks, verifications }: Pick<Tables, "tasks" | "verifications">,
): Claim[] {
  const claims: Claim[] = [];
  const open = new Map<string, Claim>();
  const begin = (kind: Claim["kind"], { task, ship, epoch = 0, at }: VoyageEvent) => {
    if (ship === undefined) return;
    const claim: Claim = {
      kind,
      task: kind === "verify" ? String(epoch) : (task ?? ""),
      epoch,
      ship,
      from: at,
      to: null,
      end: "not known",
      reason: null,
    };
    claims.push(claim);
    open.set(`${kind} ${claim.task}`, claim);
  };
  const end = (kind: Claim["kind"], task: string, how: ClaimEnd, { at, reason }: VoyageEvent) => {
    const claim = open.get(`${kind} ${task}`);
    if (!claim) return;
    open.delete(`${kind} ${task}`);
    Object.assign(claim, { to: at, end: how, reason: reason ?? null });
  };
  for (const event of events) {
    if (event.kind === "task-granted") begin("task", event);
    else if (event.kind === "verification-granted") begin("verify", event);
    else if (ENDS.has(event.kind) && event.task !== undefined) end("task", event.task, endOfClaim(event), event);
    else if (VERIFY_ENDS[event.kind]) end("verify", String(event.epoch ?? 0), VERIFY_ENDS[event.kind]!, event);
  }
  const held = new Set([
    ...tasks.filter(({ status }) => status === "claimed").map(({ id, epoch }) => `task ${id} ${epoch}`),
    ...verifications.filter(({ status }) => status === "claimed").map(({ epoch }) => `verify ${epoch} ${epoch}`),
  ]);
  for (const claim of open.values()) if (held.has(`${claim.kind} ${claim.task} ${claim.epoch}`)) claim.end = "open";
  return claims;
}

/**
 * The claims that were accepted before the ledger had events, as far as the helm of that time has noted how long each
 * lasted.
 */
export function earlierClaims({ tasks, deliveries }: Pick<Tables, "tasks" | "deliveries">, known: readonly Claim[]): Claim[] {
  const told = new Set(known.map(({ task, epoch }) => `${task} ${epoch}`));
  const lasted = new Map(deliveries.map(({ task, commit_id, seconds }) => [`${task} ${commit_id}`, seconds]));
  return tasks.flatMap(({ id, epoch, status, ship, commit_id, changed_at }): Claim[] => {
    const seconds = lasted.get(`${id} ${commit_id}`);
    const end = Date.parse(changed_at);
    if (status !== "accepted" || ship === null || seconds == null || Number.isNaN(end) || told.has(`${id} ${epoch}`)) return [];
    const from = new Date(end - seconds * 1000).toISOString();
    return [{ kind: "task", task: id, epoch, ship, from, to: new Date(end).toISOString(), end: "accepted", reason: null }];
  });
}
