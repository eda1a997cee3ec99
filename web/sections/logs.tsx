import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { LogsReply } from "../../lib/watch/page-api.ts";
import { usePoll } from "../parts/poll.ts";
import { ScrollFrame } from "../parts/scroll-frame.tsx";
import { ask, Refused } from "../state/actions.ts";
import type { PageLogLine } from "../state/model.ts";
import { current, ships } from "../state/store.ts";
import { openTask } from "./graph-choice.ts";
import { logFilter } from "./log-filter.ts";
import { Empty, Section } from "./section.tsx";

/** The most lines that the page holds; the oldest go. */
const MOST_LINES = 1_500;
const EVERY_MS = 1_000;

type Line = PageLogLine & { key: number };

/** All ships' logs as one, filtered, as they come home. */
export function Logs() {
  const filter = logFilter.value;
  const lines = useSignal<Line[]>([]);
  const trouble = useSignal<string | null>(null);
  const isRead = useSignal(false);
  const follows = useSignal(true);
  const cursor = useRef<string | null>(null);
  const count = useRef(0);
  const frame = useRef<HTMLElement>(null);
  const voyage = current.value;
  useEffect(() => {
    cursor.current = null;
    isRead.value = false;
    follows.value = true;
    lines.value = [];
  }, [voyage, filter]);
  const ref = usePoll(
    EVERY_MS,
    async (signal) => {
      const query = new URLSearchParams({ lines: "500" });
      for (const [key, value] of Object.entries(filter)) if (value !== "") query.set(key, value);
      if (cursor.current !== null) query.set("cursor", cursor.current);
      try {
        const reply = await ask<LogsReply>(`/api/voyages/${encodeURIComponent(voyage ?? "")}/logs?${query}`, { signal });
        if (signal.aborted) return;
        const fresh = reply.lines.map((line) => ({ ...line, key: count.current++ }));
        const isFirst = cursor.current === null;
        cursor.current = reply.cursor;
        if (fresh.length > 0 || isFirst) lines.value = [...(isFirst ? [] : lines.value), ...fresh].slice(-MOST_LINES);
        isRead.value = true;
        trouble.value = null;
      } catch (error) {
        if (signal.aborted) return;
        // A cursor that the helm does not know any more is asked for anew.
        cursor.current = null;
        trouble.value = error instanceof Refused ? error.message : String(error);
      }
    },
    [voyage, filter],
  );
  useLayoutEffect(() => {
    const box = frame.current;
    if (box && follows.value) box.scrollTop = box.scrollHeight;
  }, [lines.value, follows.value]);
  const isFiltered = filter.ship !== "" || filter.task !== "" || filter.text !== "";
  return (
    <Section id="logs" title="Logs" aside={<FilterForm isFiltered={isFiltered} />}>
      <div ref={ref}>
        {trouble.value && <p class="remark">The logs cannot be read now: {trouble.value}.</p>}
        <ScrollFrame
          class="log-frame"
          label="Lines of the logs"
          frame={frame}
          onScroll={(box) => {
            follows.value = box.scrollTop + box.clientHeight >= box.scrollHeight - 24;
          }}
        >
          {lines.value.length === 0 && (
            <Empty>
              {!isRead.value
                ? "Reading the logs."
                : isFiltered
                  ? "No line fits this filter yet."
                  : "No line yet. What ships and agents write appears here, some seconds after they wrote it."}
            </Empty>
          )}
          <ol class="log">
            {lines.value.map((line) => (
              <LogRow key={line.key} line={line} />
            ))}
          </ol>
        </ScrollFrame>
        {!follows.value && (
          <button type="button" class="small follow" onClick={() => (follows.value = true)}>
            Follow the newest lines
          </button>
        )}
      </div>
    </Section>
  );
}

function LogRow({ line: { at, ship, task, event, text, source } }: { line: Line }) {
  return (
    <li class={event === null ? "log-line" : "log-line log-word"}>
      <time dateTime={at} title={at}>
        {at.slice(11, 19)}
      </time>
      <span class="log-ship">{ship}</span>
      <span class="log-of">
        {task === null ? (
          source
        ) : (
          <button type="button" class="link" onClick={() => openTask(task)}>
            #{task}
          </button>
        )}
      </span>
      <span class="log-text">
        {event !== null && <strong>{event} </strong>}
        {text}
      </span>
    </li>
  );
}

function FilterForm({ isFiltered }: { isFiltered: boolean }) {
  const filter = logFilter.value;
  const set = (change: Partial<typeof filter>) => {
    logFilter.value = { ...filter, ...change };
  };
  const typed = useSignal<Partial<typeof filter>>({});
  useEffect(() => {
    // What is typed is asked for when the typing rests.
    const timer = setTimeout(() => {
      if (Object.keys(typed.value).length > 0) set(typed.value);
      typed.value = {};
    }, 300);
    return () => clearTimeout(timer);
  }, [typed.value]);
  const names = ships.keys.value;
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()} aria-label="Filter of the logs">
      <label>
        <span class="unseen">Ship</span>
        <select value={filter.ship} onChange={(event) => set({ ship: event.currentTarget.value })}>
          <option value="">all ships</option>
          {filter.ship !== "" && !names.includes(filter.ship) && <option value={filter.ship}>{filter.ship}</option>}
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="unseen">Task</span>
        <input
          class="short"
          placeholder="task"
          maxLength={20}
          value={typed.value.task ?? filter.task}
          onInput={(event) => (typed.value = { ...typed.value, task: event.currentTarget.value.replace(/^#/, "").trim() })}
        />
      </label>
      <label>
        <span class="unseen">Text</span>
        <input
          id="log-text"
          type="search"
          placeholder="text"
          maxLength={200}
          value={typed.value.text ?? filter.text}
          onInput={(event) => (typed.value = { ...typed.value, text: event.currentTarget.value })}
        />
      </label>
      {isFiltered && (
        <button type="button" class="small quiet" onClick={() => (logFilter.value = { ship: "", task: "", text: "" })}>
          Show all
        </button>
      )}
    </form>
  );
}
