import { counted } from "../../../lib/base/counted.ts";
import { lasting } from "../../output/durations.ts";
import type { Hold, Mark, ReportFacts, Segment, ShipFacts } from "../facts/facts.ts";
import { html, type Markup } from "./markup.ts";
import { type Scale, scaleOf } from "./scale.ts";
import { moment, secondsBetween } from "./words.ts";

// Ships over time: a lane for each ship, drawn in percents of its width, so that it fits every page. A lane is a
// picture with a name that says in words what it shows.

/** How many lanes are drawn, and how many pieces in all of them together. */
const MOST_LANES = 200;
const MOST_PIECES = 4_000;
/** Above so many ships lanes are lower. */
const MANY_SHIPS = 24;

type Lane = { ship: ShipFacts; pieces: Piece[] };
/** A segment; or several short ones of tasks that cannot be told apart in the picture. */
type Piece = Segment & { count?: number };

/** Draws what each ship did when. */
export function lanes(facts: ReportFacts): Markup {
  const { ships, holds } = facts;
  if (ships.length === 0) return html`<p>No ship was ever registered.</p>`;
  const window = windowOf(facts);
  const scale = scaleOf(window.from, window.to);
  const shown = ships.slice(0, MOST_LANES).map((ship) => ({ ship, segments: ship.segments.filter((each) => isIn(each, scale)) }));
  const total = shown.reduce((all, { segments }) => all + segments.length, 0);
  const drawn = shown.map(
    ({ ship, segments }): Lane => ({ ship, pieces: total > MOST_PIECES ? merged(segments, scale, shown.length) : segments }),
  );
  const height = ships.length > MANY_SHIPS ? 16 : 24;
  const left = ships.length - shown.length;
  return html`${window.note}
<div class="lanes">
<div class="lane axis"><div class="who"></div>${axis(scale)}</div>
${drawn.map((lane) => laneOf(lane, holds, scale, height))}</div>
${left > 0 && html`<p class="quiet">${counted(left, "more ship is", "more ships are")} not drawn; the table below counts them.</p>`}
${legend(drawn, holds)}${heldBack(holds)}`;
}

const HOLDS: Record<Hold["is"], string> = { paused: "Paused", limit: "A usage limit", budget: "The budget was spent" };
/** How many holds are told one by one. */
const MOST_HOLDS = 30;

/** What held the ships, in words. */
function heldBack(holds: readonly Hold[]): Markup | null {
  if (holds.length === 0) return null;
  const rest = holds.length - MOST_HOLDS;
  return html`<ul>${holds.slice(0, MOST_HOLDS).map(({ is, from, to, ship, text }) => {
    const long = to === null ? "" : ` for ${lasting(secondsBetween(from, to))}`;
    return html`<li>${HOLDS[is]}${ship !== null && `, told by ${ship},`} at ${moment(from)}${long}: ${text}</li>`;
  })}${rest > 0 && html`<li>and ${rest} more</li>`}</ul>
`;
}

/**
 * The time that is drawn: all of it, or, where the ships had nothing to do for most of it, the time in which they had.
 */
function windowOf({ period }: ReportFacts): { from: string; to: string; note: Markup } {
  const { from, to, work } = period;
  const whole = secondsBetween(from, to);
  const begin = html`<p class="quiet">Begins at ${moment(from)} UTC.`;
  if (!work) return { from, to, note: html`${begin}</p>` };
  const margin = Math.max(2, secondsBetween(work.from, work.to) * 0.04);
  const late = (iso: string, seconds: number) => new Date(Date.parse(iso) + seconds * 1000).toISOString();
  const [start, end] = [late(work.from, -margin), late(work.to, margin)];
  if (secondsBetween(start, end) > whole * 0.7) return { from, to, note: html`${begin}</p>` };
  const [drawnFrom, drawnTo] = [[start, from].sort()[1]!, [end, to].sort()[0]!];
  return {
    from: drawnFrom,
    to: drawnTo,
    note: html`<p class="quiet">Begins at ${moment(drawnFrom)} UTC. Of the ${lasting(whole)} of the voyage those ${lasting(secondsBetween(drawnFrom, drawnTo))} are drawn in which ships were given work.</p>`,
  };
}

const isIn = ({ from, to }: { from: string; to: string | null }, scale: Scale): boolean =>
  Date.parse(from) < scale.to && (to === null || Date.parse(to) >= scale.from);

/** Joins neighbours that are too narrow to be seen apart, until a lane has no more than its share of pieces. */
function merged(segments: readonly Segment[], scale: Scale, lanes: number): Piece[] {
  const narrow = (100 * lanes) / MOST_PIECES;
  const pieces: Piece[] = [];
  for (const segment of segments) {
    const last = pieces.at(-1);
    const isNarrow = scale.at(segment.to) - scale.at(segment.from) < narrow;
    if (last && isNarrow && scale.at(segment.to) - scale.at(last.from) < narrow) {
      const count = (last.count ?? tasksIn(last)) + tasksIn(segment);
      const { from } = last;
      const { is } = last.is === "task" ? last : segment;
      pieces[pieces.length - 1] = { is, from, to: segment.to, count, ...(is === "task" && { end: "accepted" }) };
    } else pieces.push(segment);
  }
  return pieces;
}

const tasksIn = ({ is }: Segment): number => (is === "task" ? 1 : 0);

function axis({ marks }: Scale): Markup {
  return html`<svg class="picture" height="18" width="100%" aria-hidden="true">${marks.map(({ at, text }, index) => {
    const anchor = index === 0 ? "start" : at > 96 ? "end" : "middle";
    return html`<text x="${at.toFixed(2)}%" y="13" text-anchor="${anchor}">${text}</text>`;
  })}</svg>`;
}

function laneOf({ ship, pieces }: Lane, holds: readonly Hold[], scale: Scale, height: number): Markup {
  const told = inWords(ship);
  return html`<div class="lane"><div class="who"><b>${ship.ship}</b> <span class="quiet">${counted(ship.accepted, "task")}</span></div>
<svg class="picture" height="${height}" width="100%" role="img" aria-label="${told}">
${scale.marks.map(({ at }) => html`<line class="grid" x1="${at.toFixed(2)}%" x2="${at.toFixed(2)}%" y1="0" y2="${height}"/>`)}
${holds.filter((hold) => isIn(hold, scale) && (hold.ship === null || hold.ship === ship.ship)).map((hold) => holdOf(hold, scale, height))}
${pieces.map((piece) => pieceOf(piece, scale, height))}
${ship.marks
  .filter(({ at }) => Date.parse(at) >= scale.from && Date.parse(at) <= scale.to)
  .slice(0, MOST_PIECES / 40)
  .map((mark) => markOf(mark, scale, height))}
</svg></div>
`;
}

const place = (from: string, to: string, scale: Scale) => {
  const x = scale.at(from);
  return { x: x.toFixed(3), width: Math.max(0.15, scale.at(to) - x).toFixed(3) };
};

function holdOf({ is, from, to, text }: Hold, scale: Scale, height: number): Markup {
  const { x, width } = place(from, to ?? new Date(scale.to).toISOString(), scale);
  return html`<rect class="hold ${is}" x="${x}%" width="${width}%" y="0" height="${height}"><title>${text}</title></rect>`;
}

/** How the end of a claim is drawn. */
const ENDS: Record<NonNullable<Segment["end"]>, string> = {
  accepted: "done",
  passed: "done",
  failed: "failed",
  "given back": "back",
  "taken back": "lost",
  lost: "lost",
  dropped: "lost",
  asked: "asked",
  open: "open",
  "not known": "unknown",
};

function pieceOf(piece: Piece, scale: Scale, height: number): Markup {
  const { x, width } = place(piece.from, piece.to, scale);
  const title = html`<title>${titleOf(piece)}</title>`;
  const middle = height / 2;
  if (piece.is === "task" || piece.is === "verify") {
    const name = piece.count === undefined ? (piece.is === "verify" ? "verify" : piece.task) : "";
    const kind = `${ENDS[piece.end ?? "not known"]}${piece.is === "verify" ? " verify" : ""}`;
    return html`<svg class="bar ${kind}" x="${x}%" width="${width}%" y="2" height="${height - 4}">${title}<rect width="100%" height="100%" rx="3"/><text x="4" y="${middle + 2}">${name}</text></svg>
`;
  }
  if (piece.is === "not known" || piece.is === "fenced")
    return html`<rect class="${piece.is === "fenced" ? "fenced" : "unknown"}" x="${x}%" width="${width}%" y="${middle - 4}" height="8">${title}</rect>`;
  return html`<rect class="${piece.is}" x="${x}%" width="${width}%" y="${middle - (piece.is === "free" ? 2 : 1)}" height="${piece.is === "free" ? 4 : 2}">${title}</rect>`;
}

/** A sign stands before or after its moment, so that a ship that comes back at once has both. */
function markOf({ at, is, text }: Mark, scale: Scale, height: number): Markup | null {
  if (is === "woken" || is === "rescued") return null;
  const [sign, aside] = {
    "cut off": ["✕", -7] as const,
    healed: ["▲", 7] as const,
    unfit: ["!", 0] as const,
    refused: ["◆", 0] as const,
  }[is];
  return html`<text class="mark ${is.replace(" ", "-")}" x="${scale.at(at).toFixed(3)}%" dx="${aside}" y="${height / 2 + 5}" text-anchor="middle"><title>${text}</title>${sign}</text>`;
}

const STATES: Record<Segment["is"], string> = {
  task: "task",
  verify: "verify.sh",
  free: "without a task",
  away: "said goodbye",
  starting: "registered, not heard of yet",
  fenced: "cut off: nothing of it is accepted",
  "not known": "not known",
};

function titleOf(piece: Piece): string {
  const lasted = lasting(secondsBetween(piece.from, piece.to));
  const what =
    piece.count !== undefined ? counted(piece.count, "task") : piece.is === "task" ? `task ${piece.task}` : STATES[piece.is];
  const end = piece.end === undefined || piece.count !== undefined ? "" : piece.end === "open" ? ", goes on" : `, ${piece.end}`;
  return `${what}, ${lasted}${end}${piece.reason ? `: ${piece.reason.slice(0, 200)}` : ""}`;
}

function inWords({ ship, accepted, cutOff, seconds }: ShipFacts): string {
  const parts = [
    `${counted(accepted, "task")} accepted`,
    `at work ${lasting(seconds.work)}`,
    `without a task ${lasting(seconds.free)}`,
    ...(seconds.away > 0 ? [`away ${lasting(seconds.away)}`] : []),
    ...(seconds.unknown > 0 ? [`not known ${lasting(seconds.unknown)}`] : []),
    ...(cutOff > 0 ? [`cut off from its work ${counted(cutOff, "time")}`] : []),
  ];
  return `${ship}: ${parts.join(", ")}`;
}

/** Says what is to be seen in the picture, and nothing else. */
function legend(drawn: readonly Lane[], holds: readonly Hold[]): Markup {
  const kinds = new Set<string>();
  for (const { ship, pieces } of drawn) {
    for (const { is, end = "not known" } of pieces) kinds.add(is === "task" ? ENDS[end] : is === "verify" ? "verify" : is);
    for (const { is } of ship.marks) kinds.add(is);
  }
  for (const { is } of holds) kinds.add(is);
  const bar = (kind: string) =>
    html`<svg class="bar ${kind}" width="22" height="12" aria-hidden="true"><rect width="22" height="12" rx="3"/></svg>`;
  const flat = (kind: string, height: number) =>
    html`<svg width="22" height="12" aria-hidden="true"><rect class="${kind}" width="22" y="${6 - height / 2}" height="${height}"/></svg>`;
  const sign = (kind: string, text: string) =>
    html`<svg width="22" height="14" aria-hidden="true"><text class="mark ${kind}" x="11" y="12" text-anchor="middle">${text}</text></svg>`;
  const all: [kind: string, picture: Markup, text: string][] = [
    ["done", bar("done"), "a task, accepted"],
    ["failed", bar("failed"), "a try that failed"],
    ["back", bar("back"), "given back"],
    ["lost", bar("lost"), "cut off"],
    ["asked", bar("asked"), "asked the captain"],
    ["open", bar("open"), "goes on"],
    ["unknown", bar("unknown"), "its end is not known"],
    ["verify", bar("done verify"), "verify.sh"],
    ["free", flat("free", 4), "without a task"],
    ["starting", flat("starting", 2), "registered, not heard of yet"],
    ["away", flat("away", 2), "said goodbye"],
    ["fenced", flat("fenced", 8), "nothing of it is accepted"],
    ["not known", flat("unknown", 8), "not known"],
    ["cut off", sign("cut-off", "✕"), "cut off from its work"],
    ["healed", sign("healed", "▲"), "came back as new"],
    ["refused", sign("refused", "◆"), "its commit was refused: a conflict, or the check"],
    ["unfit", sign("unfit", "!"), "given no task: it could not work"],
    ["paused", flat("hold paused", 12), "the voyage was paused"],
    ["limit", flat("hold limit", 12), "a usage limit"],
    ["budget", flat("hold budget", 12), "the budget was spent"],
  ];
  return html`<ul class="legend">${all.filter(([kind]) => kinds.has(kind)).map(([, picture, text]) => html`<li>${picture} ${text}</li>`)}</ul>
`;
}
