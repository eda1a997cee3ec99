import type { VoyageEvent } from "../../../lib/protocol/events.ts";
import { endOfClaim } from "./claims.ts";
import type { Setback } from "./facts.ts";
import type { Tables } from "./tables.ts";

/** Characters of a text that an agent or a ship wrote. */
const MOST = 4_000;

/**
 * What did not go by itself: given back, lost, blocked, refused, asked, rescued. Of a time without events it is what
 * the ledger's other tables still know.
 *
 * @param knownFrom  From when on events tell everything.
 */
export function setbacksOf(events: readonly VoyageEvent[], tables: Tables, knownFrom: string | null): Setback[] {
  const questions = new Map(tables.questions.map((row) => [`${row.task} ${row.epoch}`, row]));
  const told = events.flatMap((event): Setback[] => {
    const is = kindOf(event);
    if (!is) return [];
    const { at, task = null, ship = null, epoch = null, reason, data } = event;
    const question = is === "asked" ? questions.get(`${task} ${epoch}`) : undefined;
    const text = question?.question ?? reason ?? (is === "conflict" ? conflictText(data) : "no reason is known");
    const ref = is === "rescued" && typeof data?.ref === "string" ? data.ref : null;
    return [{ at, is, task, ship, epoch, text: text.slice(0, MOST), more: question?.answer?.slice(0, MOST) ?? ref }];
  });
  return [...earlierOf(tables, told, knownFrom), ...told].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function kindOf(event: VoyageEvent): Setback["is"] | null {
  switch (event.kind) {
    case "task-given-back":
    case "task-released": {
      const end = endOfClaim(event);
      return end === "failed" || end === "lost" || end === "taken back" ? end : "given back";
    }
    case "task-blocked":
      return "blocked";
    case "task-asked":
      return "asked";
    case "merge-conflict":
      return "conflict";
    case "check-failed":
      return "check failed";
    case "rescued":
      return "rescued";
    case "ship-unfit":
      return "unfit";
    default:
      return null;
  }
}

/** What the tables tell that no event does. */
function earlierOf(tables: Tables, told: readonly Setback[], knownFrom: string | null): Setback[] {
  const known = new Set(told.map(({ is, task, epoch }) => `${is} ${task} ${epoch}`));
  const blocked = new Set(told.flatMap(({ is, task }) => (is === "blocked" || is === "asked" ? [task] : [])));
  const isEarlier = (at: string) => knownFrom === null || at < knownFrom;
  return [
    ...tables.questions
      .filter(({ task, epoch, asked_at }) => isEarlier(asked_at) && !known.has(`asked ${task} ${epoch}`))
      .map(({ task, epoch, ship, question, asked_at, answer }): Setback => {
        return {
          at: asked_at,
          is: "asked",
          task,
          ship,
          epoch,
          text: question.slice(0, MOST),
          more: answer?.slice(0, MOST) ?? null,
        };
      }),
    ...tables.rescues
      .filter(({ task, epoch, at }) => isEarlier(at) && !known.has(`rescued ${task} ${epoch}`))
      .map(({ ref, task, epoch, ship, at }): Setback => {
        return { at, is: "rescued", task, ship, epoch, text: "what was not delivered was kept", more: ref };
      }),
    ...tables.tasks
      .filter(({ id, status, changed_at }) => status === "blocked" && isEarlier(changed_at) && !blocked.has(id))
      .filter(({ id, epoch }) => !tables.questions.some((row) => row.task === id && row.epoch === epoch))
      .map(({ id, epoch, reason, changed_at }): Setback => {
        return { at: changed_at, is: "blocked", task: id, ship: null, epoch, text: reason ?? "no reason is known", more: null };
      }),
  ];
}

function conflictText(data: VoyageEvent["data"]): string {
  const files = Array.isArray(data?.files) ? data.files.filter((file) => typeof file === "string").slice(0, 5) : [];
  return `a conflict with what others have delivered${files.length > 0 ? `, in ${files.join(", ")}` : ""}`;
}
