import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { layOut } from "../graph/layout.ts";
import { criticalRest, shapeGraph } from "../graph/shape.ts";
import { counted } from "../parts/number.ts";
import { current, head, tasks } from "../state/store.ts";
import { chosenTask } from "./graph-choice.ts";
import { GraphFrame } from "./graph-frame.tsx";
import { Empty, Section } from "./section.tsx";
import { TaskDetails } from "./task-details.tsx";
import { TaskList } from "./task-list.tsx";

/** Plans of more tasks begin with what is done folded away. */
const FOLDED_FROM = 60;
/** How often at most the graph is folded anew while tasks are accepted. */
const SETTLE_MS = 1_500;

/** The graph of tasks: states, the critical path, who did what; or the same as a list. */
export function Graph() {
  const isList = useSignal(false);
  const folds = useSignal<boolean | null>(null);
  const collapsed = useSignal<ReadonlySet<string>>(new Set());
  const only = useSignal<string | null>(null);
  const search = useSignal("");
  const version = useSettled();
  const voyage = current.value;
  useEffect(() => {
    folds.value = null;
    collapsed.value = new Set();
    only.value = null;
    chosenTask.value = null;
  }, [voyage]);
  const rows = useMemo(() => tasks.all(), [version, voyage]);
  const foldsDone = folds.value ?? rows.length > FOLDED_FROM;
  const wish = { foldsDone, collapsed: collapsed.value, only: only.value };
  const shaped = useMemo(() => shapeGraph(rows, wish), [rows, foldsDone, collapsed.value, only.value]);
  // A layout costs more than all else here, and depends on nothing but what is joined with what.
  const structure = `${shaped.nodes.join(" ")}|${shaped.edges.map((edge) => edge.join(">")).join(" ")}`;
  const graph = useMemo(() => shaped, [structure, shaped.folded, [...shaped.hidden].join(" ")]);
  const layout = useMemo(() => layOut(graph), [structure]);
  const path = criticalRest(rows);
  const critical = useMemo(() => path, [path.join(" ")]);
  const found = useFound(search);
  const toggle = (id: string) => {
    const next = new Set(collapsed.value);
    if (!next.delete(id)) next.add(id);
    collapsed.value = next;
  };

  if (rows.length === 0)
    return (
      <Section id="graph" title="Tasks" count={0}>
        <Empty>
          {head.value ? "This voyage has no tasks: one ship waits in its terminal for orders." : "Reading the tasks."}
        </Empty>
      </Section>
    );
  const tools = (
    <div class="filters">
      <label>
        <span class="unseen">Search the tasks by id, subject or ship</span>
        <input
          id="task-search"
          type="search"
          placeholder="search tasks"
          value={search.value}
          maxLength={100}
          onInput={(event) => (search.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || found.ids.length === 0) return;
            const at = found.ids.indexOf(chosenTask.value ?? "");
            chosenTask.value = found.ids[(at + (event.shiftKey ? found.ids.length - 1 : 1)) % found.ids.length]!;
          }}
        />
      </label>
      <span class="quietly search-count" role="status">
        {search.value !== "" && counted(found.ids.length, "task")}
      </span>
      <label class="check">
        <input type="checkbox" checked={foldsDone} onChange={(event) => (folds.value = event.currentTarget.checked)} />
        Fold what is done
      </label>
      <button type="button" class="small" aria-pressed={isList.value} onClick={() => (isList.value = !isList.value)}>
        As a list
      </button>
    </div>
  );
  return (
    <Section id="graph" title="Tasks" count={rows.length} aside={tools}>
      {isList.value ? (
        <TaskList found={search.value === "" ? null : found.set} foldsDone={foldsDone} />
      ) : (
        <GraphFrame
          graph={graph}
          layout={layout}
          critical={critical}
          found={search.value === "" ? null : found.set}
          onUnfold={() => (folds.value = false)}
        />
      )}
      <p class="legend quietly">
        <span class="legend-critical" aria-hidden="true" />
        {critical.length === 0
          ? "All tasks are done."
          : `Critical path: ${
              critical.length === 1
                ? "no task that is left waits for another."
                : `${counted(critical.length, "task")} of those that are left must be done one after the other.`
            }`}
        {only.value !== null && (
          <button type="button" class="small" onClick={() => (only.value = null)}>
            Show all tasks again
          </button>
        )}
        {collapsed.value.size > 0 && (
          <button type="button" class="small" onClick={() => (collapsed.value = new Set())}>
            Show all that is hidden
          </button>
        )}
      </p>
      <TaskDetails
        critical={critical}
        collapsed={collapsed.value}
        onCollapse={toggle}
        only={only.value}
        onOnly={(id) => (only.value = only.value === id ? null : id)}
      />
    </Section>
  );
}

/** The version of the tasks: at once when rows come or go, and otherwise at most each {@link SETTLE_MS}. */
function useSettled(): number {
  const settled = useSignal(tasks.version.peek());
  const keys = tasks.keys.value;
  useEffect(() => {
    settled.value = tasks.version.peek();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = tasks.version.subscribe((version) => {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          settled.value = tasks.version.peek();
        },
        version === settled.peek() ? 0 : SETTLE_MS,
      );
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [keys]);
  return settled.value;
}

/** The tasks that are searched for; where nothing is, nothing is looked at. */
function useFound(search: ReadonlySignal<string>) {
  return useComputed(() => {
    const wanted = search.value.trim().toLowerCase().replace(/^#/, "");
    if (wanted === "") return { ids: [], set: new Set<string>() };
    const found = tasks
      .all()
      .filter(
        ({ id, subject, ship }) => id === wanted || subject.toLowerCase().includes(wanted) || ship?.toLowerCase() === wanted,
      );
    const ids = found.map(({ id }) => id);
    return { ids, set: new Set(ids) };
  }).value;
}
