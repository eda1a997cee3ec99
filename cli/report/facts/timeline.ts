import type { VoyageEvent } from "../../../lib/protocol/events.ts";
import { endOfClaim } from "./claims.ts";
import type { Claim, Mark, Segment } from "./facts.ts";

// What each ship did when. A ship is in one state after the other, as the events of the ledger tell it, so that its
// segments follow each other. Where the ledger does not tell, the state is "not known".

export type Lane = { segments: Segment[]; marks: Mark[] };

type State = Omit<Segment, "to" | "end" | "reason">;

/** A ship as it is told of so far. */
class Track {
  readonly segments: Segment[] = [];
  readonly marks: Mark[] = [];
  state: State | null = null;
  /** Whether it was cut off from its work, and was not registered anew since. */
  isCutOff = false;

  /** Ends the state, and begins another; null: the ship is not there any more. */
  turn(at: string, next: Omit<State, "from"> | null, ended: Pick<Segment, "end" | "reason"> = {}): void {
    if (this.state && this.state.from < at) this.segments.push({ ...this.state, to: at, ...ended });
    // A claim of no time at all is there to be seen all the same.
    else if (this.state?.task !== undefined && ended.end !== undefined) this.segments.push({ ...this.state, to: at, ...ended });
    this.state = next && { ...next, from: at };
  }

  mark(at: string, is: Mark["is"], text: string): void {
    this.marks.push({ at, is, text });
  }

  holds = (): boolean => this.state?.is === "task" || this.state?.is === "verify";
}

/**
 * Tells the lanes of all ships.
 *
 * @param events  In order, as `inOrder` makes them.
 * @param until  The time to which the states of the ships go on; what is held then has no end yet.
 * @param isSure  Whether the helm was there at `until`. Else nothing is known after the last event.
 */
export function lanesOf(events: readonly VoyageEvent[], until: string, isSure: boolean): Map<string, Lane> {
  const tracks = new Map<string, Track>();
  const trackOf = (ship: string) => tracks.get(ship) ?? tracks.set(ship, new Track()).get(ship)!;
  let before: string | undefined;
  for (const event of events) {
    if (event.kind === "helm-started") for (const track of tracks.values()) loseSight(track, before ?? event.at);
    else if (event.kind === "voyage-deregistered")
      for (const track of tracks.values()) track.turn(event.at, null, track.holds() ? { end: "not known" } : {});
    else if (event.ship !== undefined) take(trackOf(event.ship), event);
    before = event.at;
  }
  for (const track of tracks.values()) {
    if (!isSure && before !== undefined && track.state && track.state.is !== "fenced")
      track.turn(before, { is: "not known" }, open(track));
    track.turn(until > (before ?? "") ? until : (before ?? until), null, open(track));
  }
  return new Map([...tracks].map(([ship, { segments, marks }]) => [ship, { segments, marks }]));
}

const open = (track: Track): Pick<Segment, "end"> => (track.holds() ? { end: "open" } : {});

/**
 * A helm has begun anew, and does not say when the one before it ended: what a ship did since the last event is not
 * known, but for what the ledger itself holds.
 */
function loseSight(track: Track, since: string): void {
  if (!track.state || track.holds() || track.state.is === "fenced" || track.state.is === "not known") return;
  track.turn(since, { is: "not known" });
}

/** Takes an event of a ship into its track. */
function take(track: Track, event: VoyageEvent): void {
  const { at, kind, task = "", epoch = 0, reason } = event;
  const ended = (end: Segment["end"]) => ({ end, ...(reason !== undefined && { reason }) });
  const cutShort = () => (track.holds() ? { end: "not known" as const } : {});
  /** Ends the hold of this task or verification, if the ship has it. */
  const over = (is: "task" | "verify", end: Segment["end"], next: Segment["is"] = "free") => {
    const what = is === "task" ? task : String(epoch);
    const isHeld = track.state?.is === is && track.state.task === what;
    if (isHeld) track.turn(at, { is: next }, ended(end));
    return isHeld;
  };
  if (kind === "ship-registered") {
    if (track.isCutOff) track.mark(at, "healed", "came back as new");
    track.isCutOff = false;
    if (!track.holds() && track.state?.is !== "free") track.turn(at, { is: "starting" });
  } else if (kind === "ship-hello" || kind === "ship-away") {
    if (!track.holds()) track.turn(at, { is: kind === "ship-hello" ? "free" : "away" });
  } else if (kind === "task-granted") track.turn(at, { is: "task", task, epoch }, cutShort());
  else if (kind === "verification-granted") track.turn(at, { is: "verify", task: String(epoch), epoch }, cutShort());
  else if (kind === "task-accepted" || kind === "task-given-back" || kind === "task-asked") over("task", endOfClaim(event));
  else if (kind === "verification-passed") over("verify", "passed");
  else if (kind === "verification-failed") over("verify", "failed");
  else if (kind === "verification-dropped") over("verify", "dropped", "not known");
  else if (kind === "task-released") {
    // A ship that still runs has not heard of it yet; or it was fenced first.
    if (!over("task", endOfClaim(event), "not known")) amend(track, event);
  } else if (kind === "ship-fenced") {
    if (track.holds()) track.mark(at, "cut off", `cut off from its work: ${reason ?? "fenced"}`);
    track.isCutOff ||= track.holds();
    track.turn(at, { is: "fenced" }, track.holds() ? ended(track.state?.is === "verify" ? "dropped" : "taken back") : {});
  } else if (kind === "ship-forgotten") track.turn(at, null, cutShort());
  else {
    const mark = markOf(event);
    if (mark) track.mark(at, ...mark);
  }
}

/** Says of a hold that ended with a fence how it ended, once the ledger tells. */
function amend({ segments }: Track, event: VoyageEvent): void {
  const held = segments.findLast((segment) => segment.task !== undefined);
  if (held?.is === "task" && held.task === event.task && held.epoch === event.epoch) held.end = endOfClaim(event);
}

function markOf({ kind, task, reason }: VoyageEvent): [is: Mark["is"], text: string] | null {
  if (kind === "ship-woken") return ["woken", "woken by the helm"];
  if (kind === "ship-unfit") return ["unfit", reason ?? "it cannot work"];
  if (kind === "merge-conflict") return ["refused", `task ${task}: a conflict with what others have delivered`];
  if (kind === "check-failed") return ["refused", `task ${task}: its check failed`];
  if (kind === "rescued") return ["rescued", `what it had not delivered of task ${task} was kept`];
  return null;
}

/**
 * Fills the time before the ledger had events with the claims of that time that are known, and with what is not known.
 * Where claims overlap, as the clock was set back, they are cut.
 *
 * @param begun  When the voyage began.
 * @param knownFrom  From when on events tell everything; the end of what is told, where there are none.
 */
export function withEarlier(lane: Lane, earlier: readonly Claim[], begun: string, knownFrom: string): Lane {
  const before: Segment[] = [];
  let at = begun;
  const add = (segment: Segment) => segment.from < segment.to && before.push(segment);
  for (const { task, epoch, from, to, end } of [...earlier].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const start = [from, at].sort()[1]!;
    const stop = [to!, knownFrom].sort()[0]!;
    if (start >= stop) continue;
    add({ is: "not known", from: at, to: start });
    add({ is: "task", from: start, to: stop, task, epoch, end });
    at = stop;
  }
  add({ is: "not known", from: at, to: knownFrom });
  return { ...lane, segments: [...before, ...lane.segments] };
}
