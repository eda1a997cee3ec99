import { Age } from "../parts/age.tsx";
import { ScrollFrame } from "../parts/scroll-frame.tsx";
import { State } from "../parts/state.tsx";
import { tasks } from "../state/store.ts";
import { chosenTask } from "./graph-choice.ts";

/** The tasks as rows, in the plan's order. */
export function TaskList({ found, foldsDone }: { found: ReadonlySet<string> | null; foldsDone: boolean }) {
  return (
    <ScrollFrame class="task-list" label="Tasks as a list">
      <ul>
        {tasks.keys.value.map((id) => (
          <Row key={id} id={id} isShown={found === null || found.has(id)} foldsDone={foldsDone} />
        ))}
      </ul>
    </ScrollFrame>
  );
}

function Row({ id, isShown, foldsDone }: { id: string; isShown: boolean; foldsDone: boolean }) {
  const row = tasks.row(id)?.value;
  if (!row || !isShown || (foldsDone && row.status === "accepted")) return null;
  return (
    <li>
      <button
        type="button"
        class="task-row"
        aria-pressed={chosenTask.value === id}
        onClick={() => (chosenTask.value = chosenTask.peek() === id ? null : id)}
      >
        <code>#{id}</code>
        <span class="line">{row.subject}</span>
        <State word={row.status} />
        <span class="mono quietly">{row.ship ?? ""}</span>
        <Age at={row.changedAt} />
      </button>
    </li>
  );
}
