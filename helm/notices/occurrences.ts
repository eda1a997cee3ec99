import { counted } from "../../lib/base/counted.ts";
import { plain, plainLines, usd } from "../../lib/base/text.ts";
import type { NoticeEvent } from "../../lib/notices/events.ts";
import type { ShipRow, TaskRow, VoyageStatus } from "../../lib/protocol/status.ts";
import { attentionOf } from "../../lib/watch/attention.ts";
import { type LandingLook, landedPulls, landingAttention } from "../../lib/watch/landed.ts";
import { type Attention, seenShip } from "../../lib/watch/view.ts";
import type { Seen } from "../ledger/notices.ts";
import { NAMED_MS } from "../voyage/liveness.ts";

/** How long a ship is lost, or a voyage stands still, before that counts: much of it mends itself, or an `up` does. */
export const GRACE_MS = 120_000;
/** The part of a budget after which the captain is told. */
const LOW = 0.8;
/** The most characters of a line, and of what an agent wrote: receivers have bounds; Discord's is the least. */
const MOST_LINE = 300;
const MOST_DETAIL = 900;

/** What needs the captain, and by which event it is told: the beginning of its id, and the words of a title. */
const NEEDS: readonly [id: RegExp, event: NoticeEvent, title: (need: Attention) => string][] = [
  [/^budget$/, "budget-spent", () => "the budget is spent"],
  [/^question\//, "task-asked", ({ of }) => `task ${of} asks`],
  [/^task\//, "task-blocked", ({ of }) => `task ${of} is blocked`],
  [/^verification\//, "verification-failed", () => "verify.sh failed"],
  [/^helm\/trouble$/, "voyage-stuck", () => "nothing can be accepted"],
  [/^voyage\//, "voyage-stuck", () => "the voyage stands still"],
  [/^ship\/[^/]+\/(lost|fenced|no-signal)$/, "ship-lost", ({ of }) => `${of} is lost`],
  [/^ship\/[^/]+\/no-progress\//, "no-progress", ({ of }) => `${of} shows no progress`],
  [/^ship\/[^/]+\/unfit$/, "ship-unfit", ({ of }) => `${of} is given no task`],
  [/^landing\/ready\//, "ready-to-land", () => "it is ready to land"],
  [/^landing\/\d+\/ci-failed\//, "ci-failed", ({ of }) => `checks of pull request ${of} failed`],
  [/^ship\/[^/]+\/refused$/, "ship-refused", ({ of }) => `${of} sends what no crew sends`],
  [/^sync\//, "sync-trouble", ({ of }) => `a sync of ${of} is in trouble`],
];
/** Events that often pass by themselves, as silence does, and which count only when they have lasted. */
const LASTING: ReadonlySet<NoticeEvent> = new Set(["ship-lost", "voyage-stuck", "sync-trouble"]);

/**
 * Finds what is so now in a voyage, from the one list of what needs the captain, and what else they are told of. What
 * silence is the sign of has to last a while first.
 */
export class Watch {
  /** When what has to last was seen first, by the helm's running time. */
  readonly #since = new Map<string, number>();

  /**
   * @param open the keys of the occurrences that are open, and when they began
   * @param nowMs the helm's running time
   * @param others what the helm itself does not know: what of the syncs needs the captain (null while their daemon
   *   cannot be asked), and what has become of the landing
   * @returns what is so, and the keys of occurrences of which nobody can say now that they are over
   */
  look(
    status: VoyageStatus,
    open: ReadonlyMap<string, string>,
    nowMs: number,
    others: { syncs?: readonly Attention[] | null; landing?: LandingLook } = {},
  ): { seen: Seen[]; held: Set<string> } {
    const { syncs = null, landing = { landing: undefined, canLand: false } } = others;
    const ships = status.ships.map((row) => seenShip(row, status));
    const landed = landingAttention({ ...status, landed: landedPulls(landing.landing) }, landing);
    const needs = [...attentionOf(status, ships), ...(syncs ?? []), ...landed].flatMap((need) => occurrence(need, status));
    const seen = [...new Map([...needs, ...moments(status), ...limits(status)].map((each) => [each.key, each])).values()];
    const lasting = new Set(seen.filter(({ event }) => LASTING.has(event)).map(({ key }) => key));
    for (const key of this.#since.keys()) if (!lasting.has(key)) this.#since.delete(key);
    for (const key of lasting) if (!this.#since.has(key)) this.#since.set(key, nowMs);
    const counts = ({ key }: Seen) => !lasting.has(key) || open.has(key) || nowMs - (this.#since.get(key) ?? nowMs) >= GRACE_MS;
    return {
      seen: seen.filter(counts),
      held: new Set([...open].filter(([key, at]) => isHeld(key, at, status, syncs === null)).map(([key]) => key)),
    };
  }
}

function occurrence(need: Attention, { stack, ships }: VoyageStatus): Seen[] {
  const [, event, title] = NEEDS.find(([id]) => id.test(need.id)) ?? [];
  if (!event || !title) return [];
  const row = ships.find(({ ship }) => ship === need.of);
  // A ship is lost once, however that shows from one minute to the next.
  const key =
    (event === "ship-lost" || event === "ship-refused") && row ? lostKey(row) : event === "voyage-stuck" ? need.kind : need.id;
  return [about(event, key, stack, { ...need, message: need.message.replace(/:$/, ""), title: title(need) })];
}

const lostKey = ({ ship, incarnation }: ShipRow) => `${ship}/${incarnation}`;

/** Makes an occurrence whose texts are harmless and bounded. */
function about(
  event: NoticeEvent,
  key: string,
  stack: string,
  told: { of: string; title: string; message: string; detail?: string; hint?: string; once?: true },
): Seen {
  const { of, title, message, detail = "", hint = "", once } = told;
  return {
    key: `${event}:${key}`,
    event,
    of: plain(of, { most: 100 }),
    title: plain(`${stack}: ${title}`, { most: 150 }),
    message: plain(message, { most: MOST_LINE }),
    detail: plainLines(detail, { most: MOST_DETAIL }),
    // A part of a command is none.
    hint: hint.length > MOST_LINE ? "" : plain(hint),
    ...(once && { once }),
  };
}

const isLeft = ({ status }: TaskRow) => status !== "accepted" && status !== "cancelled";

/** What is told once: most of the budget is spent, the voyage is verified or done. */
function moments({ spend, stack, tasks, state, tip, verified }: VoyageStatus): Seen[] {
  const { budgetUsd, costUsd } = spend;
  const left = tasks.filter(isLeft).length;
  if (left > 0 && budgetUsd !== null && costUsd >= budgetUsd * LOW && costUsd < budgetUsd)
    return [
      about("budget-low", String(budgetUsd), stack, {
        of: stack,
        title: "80 % of the budget is spent",
        message: `${usd(costUsd)} of the voyage's budget of ${usd(budgetUsd)} is spent, and ${counted(left, "task")} left`,
        hint: `ocaptain budget ${Math.ceil(budgetUsd * 1.5)} ${stack}  # at once; ocaptain:budgetUsd keeps it`,
        once: true,
      }),
    ];
  const hint = `ocaptain clone ${stack}`;
  if (state === "verified" && verified)
    return [
      about("verified", verified.commit, stack, {
        of: verified.commit,
        title: "verified",
        message: `verify.sh has passed at ${verified.commit.slice(0, 8)}`,
        hint,
        once: true,
      }),
    ];
  if (state !== "done") return [];
  const message = `all tasks are done, at ${tip.slice(0, 8)}; the plan has no verify.sh`;
  return [about("done", tip, stack, { of: tip, title: "all tasks are done", message, hint, once: true })];
}

function limits({ limited, stack }: VoyageStatus): Seen[] {
  if (!limited) return [];
  const { until, message, by } = limited;
  return [
    about("usage-limit", "all", stack, {
      of: stack,
      title: "a usage limit holds every ship",
      message: `no task is given out until ${until.slice(0, 19)}Z, by the word of ${by.join(" and ")}: ${message}`,
      hint: `ocaptain retry limit ${stack}`,
    }),
  ];
}

/**
 * Says of an occurrence that is not seen now whether it may last all the same. A helm that has just started counts
 * silence anew, and has not heard of progress yet: what it does not know is no sign that a ship is back. Nor does a
 * pause, which the voyage's state then tells in the first place, end anything; nor a sync daemon that cannot be asked.
 */
function isHeld(
  key: string,
  began: string,
  { ships, spend, tasks, state, paused, asOf }: VoyageStatus,
  areSyncsUnknown: boolean,
): boolean {
  const isHeard = ({ connected, lastSeenAt }: ShipRow) => connected || (lastSeenAt ?? "") > began;
  const [event, of = ""] = key.split(/:(.*)/s);
  if (event === "sync-trouble") return areSyncsUnknown && ships.some(({ ship }) => of.startsWith(`sync/${ship}/`));
  if (event === "ship-lost") return ships.some((row) => lostKey(row) === of && row.state === "working" && !isHeard(row));
  // What a ship was refused for is known to the helm that has refused it alone, and for an hour.
  if (event === "ship-refused")
    return ships.some((row) => lostKey(row) === of) && Date.parse(asOf) - Date.parse(began) < NAMED_MS;
  if (event === "no-progress") {
    const row = ships.find(({ ship }) => of.startsWith(`ship/${ship}/`));
    return row?.progressAt === undefined && of.endsWith(`/${row?.task ?? "verify"}`);
  }
  if (event === "budget-spent") return spend.budgetUsd !== null && spend.costUsd >= spend.budgetUsd && tasks.some(isLeft);
  if (key !== "voyage-stuck:voyage") return false;
  return paused !== undefined || ((state === "sailing" || state === "planning") && !ships.some(isHeard));
}
