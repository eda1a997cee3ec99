import { counted } from "../base/counted.ts";
import { firstLine } from "../base/text.ts";
import type { ShipRow, TaskRow, VoyageStatus } from "../protocol/status.ts";

/**
 * What a ship is doing, in the same words wherever it is shown. `no-progress`: it is at work, and nothing comes of it.
 * `no-signal`: a word of it was due, and did not come. `unfit`: it cannot work, and gets no task. `unknown`: nobody can
 * say.
 */
export type ShipState = "working" | "idle" | "asleep" | "no-progress" | "no-signal" | "unfit" | "fenced" | "lost" | "unknown";

/** A state, and what it is derived from. Times are ISO 8601, and null where nobody knows them. */
export type Seen = {
  state: ShipState;
  /** The evidence, in words. */
  knownBy: string;
  /** When the newest fact of it was so: mostly, when the ship was last heard of. */
  factAt: string | null;
  /** Since when the ship is in this state. */
  since: string | null;
};

/** What of a voyage's status a ship's state depends on, beside the ship's own row. */
export type Around = Pick<VoyageStatus, "asOf" | "tasks" | "paused" | "silenceSeconds" | "noProgressSeconds">;

/** How long a crew may take from its registration to its hello. */
const HELLO_SECONDS = 120;
/** After so many calls without an answer the helm's call counts as one that was not heard. */
export const MOST_CALLS = 3;

/**
 * Derives a ship's state from what the helm knows of it: the first of these rules that fits says it. A state that needs
 * a sign of life is given only to a ship of which there is one.
 */
export function seenState(row: ShipRow, around: Around): Seen {
  const facts = factsOf(row, around);
  for (const rule of RULES) {
    const seen = rule(facts);
    if (seen) return seen;
  }
  return { state: "unknown", knownBy: "the helm does not say it", factAt: facts.heardAt, since: null };
}

/** The state of a ship alone. */
export const shipState = (row: ShipRow, around: Around): ShipState => seenState(row, around).state;

/** The state of a ship of which the helm cannot be asked. */
export const notAsked = (task: TaskRow | undefined): Seen => ({
  state: "unknown",
  knownBy: task ? "held this task when the helm was last there" : "the helm cannot be asked",
  factAt: task?.changedAt ?? null,
  since: null,
});

type Facts = ReturnType<typeof factsOf>;
type Rule = (facts: Facts) => Seen | null;

/** The fixed order. */
const RULES: readonly Rule[] = [
  function fenced({ row, heardAt, heard }) {
    if (row.state !== "fenced") return null;
    const at = row.fencedAt ?? heardAt;
    return { state: "fenced", knownBy: heard || "by the helm", factAt: at, since: at };
  },
  function lost({ row, heardAt, notHeard }) {
    return row.state === "lost" ? { state: "lost", knownBy: notHeard, factAt: heardAt, since: heardAt } : null;
  },
  function neverHeard({ row, now }) {
    if (row.state !== "new") return null;
    const at = row.registeredAt ?? null;
    const seconds = at === null ? 0 : secondsFrom(at, now);
    return seconds > HELLO_SECONDS
      ? { state: "no-signal", knownBy: `registered ${words(seconds)} ago, never heard of`, factAt: at, since: at }
      : { state: "unknown", knownBy: "registered, never heard of", factAt: at, since: at };
  },
  function silentAtWork({ isAtWork, isOverdue, heardAt, notHeard }) {
    return isAtWork && isOverdue ? { state: "no-signal", knownBy: notHeard, factAt: heardAt, since: heardAt } : null;
  },
  function notHeardYet({ row, isAtWork, heardAt }) {
    if (!isAtWork || row.connected || heardAt !== null || row.silentSeconds === undefined) return null;
    return { state: "unknown", knownBy: "the helm has just started", factAt: null, since: null };
  },
  function standsStill({ row, isAtWork, now, around }) {
    if (!isAtWork || row.state === "stopping" || row.limited || row.progressAt === undefined) return null;
    // What came of an earlier claim is no progress of this one.
    const at = latest([row.progressAt, heldSince(row, around.tasks) ?? ""])!;
    const seconds = secondsFrom(at, now);
    if (around.noProgressSeconds === undefined || seconds < around.noProgressSeconds) return null;
    return { state: "no-progress", knownBy: `last output, answer or commit ${words(seconds)} ago`, factAt: at, since: at };
  },
  function atWork({ row, isAtWork, around, heardAt, heardOr }) {
    if (!isAtWork) return null;
    const knownBy = row.state === "stopping" ? "told to stop" : heardOr;
    return { state: "working", knownBy, factAt: heardAt, since: heldSince(row, around.tasks) };
  },
  function unfit({ row }) {
    if (row.unfit === undefined) return null;
    const at = row.unfitAt ?? null;
    return { state: "unfit", knownBy: firstLine(row.unfit) || "its hand cannot work", factAt: at, since: at };
  },
  function there({ row, isOverdue, around, heardAt, heardOr }) {
    if (isOverdue || (row.state !== "idle" && row.state !== "stopping")) return null;
    const knownBy = row.state === "stopping" ? "told to stop" : heardOr;
    return { state: "idle", knownBy, factAt: heardAt, since: idleSince(row, around.tasks) };
  },
  function calledInVain({ row, heardAt }) {
    const calls = row.unanswered ?? 0;
    if (row.state !== "ended" || calls < MOST_CALLS) return null;
    return { state: "no-signal", knownBy: `called ${counted(calls, "time")}, no answer`, factAt: heardAt, since: heardAt };
  },
  function asleep({ row, around, heardAt }) {
    // A helm of earlier code does not say whether there was a goodbye, and took each end for one.
    if (row.state !== "ended" || (row.goodbye === undefined && row.silentSeconds !== undefined)) return null;
    const at = row.goodbye?.at ?? heardAt;
    const knownBy = row.unanswered
      ? `called ${counted(row.unanswered, "time")}, no answer yet`
      : `said goodbye: ${whyGone(row.goodbye?.why, around.paused !== undefined)}`;
    return { state: "asleep", knownBy, factAt: at, since: at };
  },
  function goneWithoutWord({ isOverdue, heardAt, notHeard }) {
    const knownBy = isOverdue ? `no goodbye; ${notHeard}` : heardAt ? "gone without a goodbye" : "the helm has just started";
    return { state: isOverdue ? "no-signal" : "unknown", knownBy, factAt: heardAt, since: heardAt };
  },
];

function factsOf(row: ShipRow, around: Around) {
  const now = Date.parse(around.asOf);
  const { silentSeconds, state } = row;
  const sinceHeard = row.lastSeenAt === null ? null : secondsFrom(row.lastSeenAt, now);
  // A helm that has started since knows the last hello alone, and the ship was heard of after that.
  const isOfEarlierHelm = sinceHeard !== null && silentSeconds !== undefined && sinceHeard > silentSeconds + 2;
  const heardAt = isOfEarlierHelm ? null : row.lastSeenAt;
  const heard = heardAt === null ? "" : `last heard ${words(sinceHeard!)} ago`;
  const notHeard = heard || "the helm has not heard of it since it started";
  const holds = row.task !== null || row.verifyingSince !== undefined;
  return {
    ...{ row, around, now, heardAt, heard, notHeard },
    heardOr: row.connected ? "connected" : notHeard,
    isAtWork: state === "working" || (state === "stopping" && holds),
    isOverdue:
      !row.connected && silentSeconds !== undefined && silentSeconds > (around.silenceSeconds ?? Number.POSITIVE_INFINITY),
  };
}

/** When the ship got what it holds. With verify.sh at a helm of earlier code: since nothing else was left to do. */
function heldSince({ task, verifyingSince }: ShipRow, tasks: readonly TaskRow[]): string | null {
  return verifyingSince ?? latest((task === null ? tasks : tasks.filter(({ id }) => id === task)).map((each) => each.changedAt));
}

/** When the ship's last task in this life was accepted, or its crew said hello since. */
function idleSince({ ship, incarnation, helloAt }: ShipRow, tasks: readonly TaskRow[]): string | null {
  const done = tasks.filter((task) => task.status === "accepted" && task.ship === ship && task.incarnation === incarnation);
  return latest([...done.map((task) => task.changedAt), ...(helloAt === undefined ? [] : [helloAt])]);
}

/** The latest of times of one clock. */
const latest = (times: readonly string[]): string | null =>
  times.reduce<string | null>((last, time) => (last === null || time > last ? time : last), null);

/** Why a crew has said goodbye, for people: the crew's own words, but for its usual ones. */
function whyGone(why: string | undefined, isPaused: boolean): string {
  if (why !== undefined && !why.startsWith("nothing to claim")) return firstLine(why);
  return isPaused || why?.includes("(paused)") ? "paused" : "nothing to do";
}

const secondsFrom = (at: string, now: number) => Math.max(0, Math.round((now - Date.parse(at)) / 1000));

/** A time that has passed, in words: `12 s`, `41 min`, `3 h`. */
function words(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}
