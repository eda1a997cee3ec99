import { Age } from "../parts/age.tsx";
import { counted, usd } from "../parts/number.ts";
import { State } from "../parts/state.tsx";
import { act, busy } from "../state/actions.ts";
import { isLive, tasks } from "../state/store.ts";
import { chosenTask } from "./graph-choice.ts";
import { openLog } from "./log-filter.ts";
import { releaseTask } from "./orders.ts";

type Props = {
  critical: readonly string[];
  collapsed: ReadonlySet<string>;
  onCollapse: (id: string) => void;
  only: string | null;
  onOnly: (id: string) => void;
};

/** All that is known of the chosen task, and what can be done about it. */
export function TaskDetails({ critical, collapsed, onCollapse, only, onOnly }: Props) {
  const id = chosenTask.value;
  const row = id === null ? undefined : tasks.row(id)?.value;
  if (id === null || !row) return null;
  void tasks.version.value;
  const waiters = tasks.all().filter(({ blockedBy }) => blockedBy.includes(id));
  const facts: [string, string | null | undefined][] = [
    ["Ship", row.ship],
    ["Tries", row.tries > 0 ? String(row.tries) : null],
    ["Commit", row.commit?.slice(0, 12)],
    ["Spent", row.usage ? `${usd(row.usage.costUsd)}${row.budgetUsd !== undefined ? ` of ${usd(row.budgetUsd)}` : ""}` : null],
    ["Came from", row.source],
    ["Asks", row.question],
    [row.status === "blocked" ? "Blocked because" : "Last given back because", row.reason],
    ["Changed outside of what it touches", row.outside && counted(row.outside.count, "file")],
    ["Place", critical.includes(id) ? "on the critical path" : null],
  ];
  return (
    <section class="details" aria-label={`Task ${id}`}>
      <header>
        <h3>
          <code>#{id}</code> {row.subject}
        </h3>
        <State word={row.status} />
        <Age at={row.changedAt} before="for " />
        <button type="button" class="small quiet" onClick={() => (chosenTask.value = null)} aria-label="Close the task">
          Close
        </button>
      </header>
      <dl>
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
        <Links name="Waits for" ids={row.blockedBy} />
        <Links name="Waited for by" ids={waiters.map((waiter) => waiter.id)} />
      </dl>
      <div class="buttons">
        {row.status === "blocked" && row.question === undefined && (
          <button
            type="button"
            class="primary"
            disabled={!isLive.value || busy.value.has(`retry ${id}`)}
            onClick={() => act({ action: "retry", task: id })}
          >
            Try again
          </button>
        )}
        {row.status === "claimed" && (
          <button type="button" class="danger" disabled={!isLive.value} onClick={() => releaseTask(id)}>
            Release…
          </button>
        )}
        <button type="button" onClick={() => openLog({ task: id })}>
          Open its log
        </button>
        <button type="button" aria-pressed={only === id} onClick={() => onOnly(id)}>
          Show only its chain
        </button>
        {waiters.length > 0 && (
          <button type="button" aria-pressed={collapsed.has(id)} onClick={() => onCollapse(id)}>
            {collapsed.has(id) ? "Show what waits for it" : "Hide what waits for it alone"}
          </button>
        )}
      </div>
    </section>
  );
}

/** How many other tasks are named; a task may have hundreds. */
const MOST_LINKS = 24;

function Links({ name, ids }: { name: string; ids: readonly string[] }) {
  if (ids.length === 0) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd class="links">
        {ids.slice(0, MOST_LINKS).map((id) => (
          <button key={id} type="button" class="link mono" onClick={() => (chosenTask.value = id)}>
            #{id}
          </button>
        ))}
        {ids.length > MOST_LINKS && ` and ${ids.length - MOST_LINKS} more`}
      </dd>
    </div>
  );
}
