import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Age } from "../parts/age.tsx";
import { Icon } from "../parts/icon.tsx";
import { usePoll } from "../parts/poll.ts";
import { ScrollFrame } from "../parts/scroll-frame.tsx";
import { ask } from "../state/actions.ts";
import type { VoyageEvent } from "../state/model.ts";
import { current } from "../state/store.ts";
import { wordsOf } from "./event-words.ts";
import { openTask } from "./graph-choice.ts";
import { Empty, Section } from "./section.tsx";

const PAGE = 40;
const EVERY_MS = 2_000;
/** The most events that the page holds at its newest end; older ones are asked for by a button. */
const MOST = 2_000;

type Reply = { events: VoyageEvent[] };

/** What has happened, the newest first. */
export function Events() {
  const events = useSignal<VoyageEvent[]>([]);
  const isRead = useSignal(false);
  const hasEarlier = useSignal(false);
  const last = useRef<number | null>(null);
  const voyage = current.value;
  const path = `/api/voyages/${encodeURIComponent(voyage ?? "")}/events`;
  useEffect(() => {
    events.value = [];
    isRead.value = false;
    last.current = null;
  }, [voyage]);
  const ref = usePoll(
    EVERY_MS,
    async (signal) => {
      const isFirst = last.current === null;
      const query = isFirst ? `limit=${PAGE}` : `after=${last.current}&limit=1000`;
      const { events: fresh } = await ask<Reply>(`${path}?${query}`, { signal });
      if (signal.aborted) return;
      if (isFirst) hasEarlier.value = fresh.length === PAGE;
      if (fresh.length > 0 || isFirst) {
        events.value = [...[...fresh].reverse(), ...events.value].slice(0, MOST);
        last.current = events.value[0]?.seq ?? 0;
      }
      isRead.value = true;
    },
    [voyage],
  );
  const earlier = async () => {
    const oldest = events.value.at(-1)?.seq;
    if (oldest === undefined) return;
    const { events: more } = await ask<Reply>(`${path}?before=${oldest}&limit=${PAGE}`);
    hasEarlier.value = more.length === PAGE;
    events.value = [...events.value, ...[...more].reverse()];
  };
  return (
    <Section id="events" title="Events">
      <div ref={ref}>
        <ScrollFrame class="events-frame" label="Events, the newest first">
          {events.value.length === 0 && (
            <Empty>
              {isRead.value
                ? "Nothing has happened yet. Grants, accepts, questions and losses appear here."
                : "Reading the events."}
            </Empty>
          )}
          <ol class="events">
            {events.value.map((event) => (
              <EventRow key={event.seq} event={event} />
            ))}
          </ol>
          {hasEarlier.value && (
            <button type="button" class="small" onClick={() => void earlier().catch(() => {})}>
              Show earlier events
            </button>
          )}
        </ScrollFrame>
      </div>
    </Section>
  );
}

function EventRow({ event }: { event: VoyageEvent }) {
  const { shape, tone, text } = wordsOf(event);
  return (
    <li class={`event tone-${tone}`}>
      <Icon shape={shape} />
      <span class="event-text">
        {event.task ? (
          <button type="button" class="link" onClick={() => openTask(event.task!)}>
            {text}
          </button>
        ) : (
          text
        )}
        {event.reason && (
          <span class="known line" title={event.reason}>
            {event.reason.split("\n", 1)}
          </span>
        )}
      </span>
      <Age at={event.at} after=" ago" />
    </li>
  );
}
