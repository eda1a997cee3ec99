import { signal } from "@preact/signals";
import { Dialog, dialogOpen } from "../parts/dialog.tsx";
import { goTo } from "../parts/go-to.ts";
import { act } from "../state/actions.ts";
import { attention, head, isLive, tasks } from "../state/store.ts";
import { chosenTask } from "./graph-choice.ts";
import { openLog } from "./log-filter.ts";
import { releaseTask, sinkVoyage } from "./orders.ts";
import { nextTheme } from "./theme.ts";
import { voyagesAreOpen } from "./voyages.tsx";

/** The keys of the page. Each does what something on the page does that can be clicked. */

export const helpIsOpen = signal(false);
const KEY = "ocaptain-keys";
const readOn = () => {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
};
/** Whether single letters do something. Whoever speaks to the machine, or hits keys by chance, puts them off. */
const lettersAreOn = signal(readOn());

type Key = { key: string; does: string; run: () => void };

const need = () => {
  // A long list shows its beginning only.
  const rows = attention.peek().filter(({ id }) => document.getElementById(`need-${id}`));
  const at = rows.findIndex(({ id }) => document.activeElement?.closest(`#need-${CSS.escape(id)}`));
  return { rows, at };
};

function stepNeed(by: 1 | -1): void {
  const { rows, at } = need();
  if (rows.length === 0) {
    goTo("needs-you");
    return;
  }
  const next = rows[at === -1 ? (by === 1 ? 0 : rows.length - 1) : (at + by + rows.length) % rows.length]!;
  const row = document.getElementById(`need-${next.id}`);
  row?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

/** The row of "needs you" that has the focus, else the first of them that the order fits. */
function pressing(verb: string) {
  const { rows, at } = need();
  const row = rows[at];
  return row?.action.verb === verb ? row : at === -1 ? rows.find(({ action }) => action.verb === verb) : undefined;
}

const field = (selector: string) => document.querySelector<HTMLElement>(selector)?.focus();
const heldTask = () => {
  const id = pressing("release")?.action.task ?? chosenTask.peek();
  return id !== null && id !== undefined && tasks.row(id)?.peek().status === "claimed" ? id : null;
};

const GROUPS: { title: string; keys: Key[] }[] = [
  {
    title: "Go to",
    keys: [
      { key: "n", does: "what needs you", run: () => goTo("needs-you") },
      { key: "s", does: "the ships", run: () => goTo("ships") },
      { key: "g", does: "the graph of tasks", run: () => goTo("graph") },
      { key: "b", does: "the spend and the budget", run: () => goTo("spend") },
      { key: "l", does: "the logs", run: () => goTo("logs") },
      { key: "e", does: "the events", run: () => goTo("events") },
      { key: "v", does: "the list of voyages", run: () => (voyagesAreOpen.value = true) },
    ],
  },
  {
    title: "What needs you",
    keys: [
      { key: "j", does: "the next one", run: () => stepNeed(1) },
      { key: "k", does: "the one before", run: () => stepNeed(-1) },
      {
        key: "a",
        does: "write an answer (Ctrl and Enter sends it)",
        run: () => {
          const task = pressing("answer")?.action.task;
          if (task) field(`[data-answer="${CSS.escape(task)}"]`);
        },
      },
      { key: "1 – 9", does: "take that choice of the question in focus", run: () => {} },
      {
        key: "r",
        does: "try the blocked task, or verify.sh, again",
        run: () => {
          const task = pressing("retry")?.action.task;
          if (task) void act({ action: "retry", task });
          else if (pressing("verify")) void act({ action: "verify" });
        },
      },
      { key: "m", does: "set another budget", run: () => field(".budget-form input") },
      {
        key: "o",
        does: "open the log of what is in focus",
        run: () => {
          const { rows, at } = need();
          const { task, ship } = rows[at]?.action ?? {};
          if (task ?? chosenTask.peek()) openLog({ task: (task ?? chosenTask.peek())! });
          else if (ship) openLog({ ship });
        },
      },
      {
        key: "x",
        does: "release the task that is chosen (asks first)",
        run: () => {
          const task = heldTask();
          if (task) releaseTask(task);
        },
      },
    ],
  },
  {
    title: "The voyage",
    keys: [
      {
        key: "p",
        does: "pause, or resume",
        run: () => void (head.peek() && act({ action: head.peek()!.paused ? "resume" : "pause" })),
      },
      { key: "z", does: "sink it (asks first)", run: () => head.peek()?.sinking?.fromHere && sinkVoyage() },
      {
        key: "u",
        does: "try at once in spite of a usage limit",
        run: () => void (head.peek()?.limited && act({ action: "lift-limits" })),
      },
    ],
  },
  {
    title: "Look",
    keys: [
      { key: "/", does: "search the tasks", run: () => field("#task-search") },
      { key: "f", does: "filter the logs", run: () => field("#log-text") },
      { key: "t", does: "light, dark, or as the system has it", run: nextTheme },
      { key: "?", does: "these keys", run: () => (helpIsOpen.value = true) },
      { key: "Esc", does: "close what is open, leave a field", run: () => {} },
    ],
  },
];
const BY_KEY = new Map(GROUPS.flatMap(({ keys }) => keys.map((key) => [key.key, key] as const)));
/** Orders that the helm must hear; the others work on what is shown. */
const ORDERS = new Set(["r", "p", "z", "u", "x"]);

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function startKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || dialogOpen()) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") (event.target as HTMLElement).blur();
      return;
    }
    if (event.key === "Escape") chosenTask.value = null;
    if (!lettersAreOn.peek() && event.key !== "?") return;
    if (/^[1-9]$/.test(event.key)) return chooseAnswer(Number(event.key));
    const key = BY_KEY.get(event.key);
    if (!key || event.key === "Escape" || (ORDERS.has(event.key) && !isLive.peek())) return;
    event.preventDefault();
    key.run();
  });
}

/** Takes a choice of the question that has the focus; nothing is answered where none has it. */
function chooseAnswer(number: number): void {
  const { rows, at } = need();
  const row = rows[at];
  if (!row) return;
  document.querySelectorAll<HTMLButtonElement>(`#need-${CSS.escape(row.id)} .choices button`)[number - 1]?.click();
}

export function KeysDialog() {
  if (!helpIsOpen.value) return null;
  const close = () => {
    helpIsOpen.value = false;
  };
  return (
    <Dialog title="Keys" wide onClose={close}>
      <div class="keys">
        {GROUPS.map(({ title, keys }) => (
          <div key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(({ key, does }) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </div>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={lettersAreOn.value}
          onChange={(event) => {
            lettersAreOn.value = event.currentTarget.checked;
            try {
              localStorage.setItem(KEY, lettersAreOn.value ? "on" : "off");
            } catch {
              // A browser that keeps nothing keeps it for this tab.
            }
          }}
        />
        Single keys do something. In the graph, arrow keys go from task to task, + and − zoom.
      </label>
      <div class="buttons end">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
