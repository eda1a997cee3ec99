import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { Age } from "../parts/age.tsx";
import { Command } from "../parts/copy.tsx";
import { Counting } from "../parts/counting.tsx";
import { usd } from "../parts/number.ts";
import { ScrollFrame } from "../parts/scroll-frame.tsx";
import { inWords, State } from "../parts/state.tsx";
import type { ShipView } from "../state/model.ts";
import { head, ships } from "../state/store.ts";
import { chosenShip } from "./graph-choice.ts";
import { openLog } from "./log-filter.ts";
import { releaseTask } from "./orders.ts";
import { Empty, Section } from "./section.tsx";

/** From so many ships on the rows scroll in a frame of their own, so that what comes below stays near. */
const MANY = 14;

/** The order of the states above the table: what is wrong comes last, where the eye ends. */
const ORDER = ["working", "idle", "asleep", "no-progress", "no-signal", "unfit", "fenced", "lost", "unknown"];

/** A row a ship: its state, how and since when that is known, its task, what it has spent, its syncs. */
export function Ships() {
  const only = useSignal<string | null>(null);
  const keys = ships.keys.value;
  const counts = useComputed(() => countStates(ships.all()));
  // A filter whose last ship has changed its state would show nothing, and look like an error.
  const filter = useComputed(() => (only.value !== null && only.value in counts.value ? only.value : null)).value;
  // The same rows are the same objects, which are not compared again when only something beside them has changed.
  const rows = useMemo(() => keys.map((name) => <Row key={name} name={name} only={filter} />), [keys, filter]);
  return (
    <Section id="ships" title="Ships" count={keys.length} aside={<Chips counts={counts} only={only} />}>
      {keys.length === 0 ? (
        <NoShips />
      ) : (
        <Frame isScrolled={keys.length >= MANY}>
          <table class="ships">
            <thead>
              <tr>
                {["Ship", "State", "Task", "For", "Spend", "Sync"].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
                <th scope="col">
                  <span class="unseen">Orders</span>
                </th>
              </tr>
            </thead>
            <tbody>{rows}</tbody>
          </table>
        </Frame>
      )}
    </Section>
  );
}

type Counts = Record<string, number>;

/** The ships by their states, and which of them are shown. */
function Chips({ counts, only }: { counts: ReadonlySignal<Counts>; only: Signal<string | null> }) {
  const states = Object.keys(counts.value);
  if (states.length < 2) return null;
  const filter = only.value !== null && states.includes(only.value) ? only.value : null;
  const all = Object.values(counts.value).reduce((sum, count) => sum + count, 0);
  return (
    <div class="chips" role="group" aria-label="Ships by state">
      <Chip isOn={filter === null} onClick={() => (only.value = null)} label={`all ${all}`} />
      {states.map((state) => (
        <Chip
          key={state}
          isOn={filter === state}
          onClick={() => (only.value = filter === state ? null : state)}
          label={`${inWords(state)} ${counts.value[state]}`}
        />
      ))}
    </div>
  );
}

const Frame = ({ isScrolled, children }: { isScrolled: boolean; children: ComponentChildren }) =>
  isScrolled ? (
    <ScrollFrame class="ships-frame many" label="Ships, scrollable">
      {children}
    </ScrollFrame>
  ) : (
    <div class="ships-frame">{children}</div>
  );

function countStates(rows: readonly ShipView[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of rows) counts[state] = (counts[state] ?? 0) + 1;
  const place = (state: string) => (ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length);
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => place(a) - place(b)));
}

const Chip = ({ isOn, onClick, label }: { isOn: boolean; onClick: () => void; label: string }) => (
  <button type="button" class="chip" aria-pressed={isOn} onClick={onClick}>
    {label}
  </button>
);

function NoShips() {
  const { state, upCommand } = head.value ?? {};
  if (state === "sunk") return <Empty>Its ships are gone: the fleet was proved gone when it sank.</Empty>;
  return (
    <Empty>
      No ship is there yet. They come with <Command text={upCommand ?? "pulumi up"} />
    </Empty>
  );
}

function Row({ name, only }: { name: string; only: string | null }) {
  const row = ships.row(name)?.value;
  if (!row || (only !== null && row.state !== only)) return null;
  const { state, knownBy, factAt, since, task, note, usage, sync } = row;
  return (
    <tr id={`ship-${name}`} class={chosenShip.value === name ? "chosen" : ""}>
      <th scope="row" class="ship-name">
        <button
          type="button"
          class="link mono"
          title={`Show in the graph what ${name} did`}
          aria-pressed={chosenShip.value === name}
          onClick={() => (chosenShip.value = chosenShip.peek() === name ? null : name)}
        >
          {name}
        </button>
      </th>
      <td class="ship-state">
        <State word={state} />
        <span class="known" title={knownBy}>
          {since && <Age key={since} at={since} after=" · " />}
          <Counting text={knownBy} at={factAt} />
        </span>
      </td>
      <td class="ship-task">
        {task ? (
          <>
            <span class="line" title={task.subject}>
              <code>#{task.id}</code> {task.subject}
            </span>
            {note && note !== task.subject && (
              <span class="known line" title={note}>
                {note}
              </span>
            )}
          </>
        ) : (
          <span class="known line" title={note ?? ""}>
            {note ?? "no task"}
          </span>
        )}
      </td>
      <td class="ship-for num">{task ? <Age at={task.since} /> : <span class="age">–</span>}</td>
      <td class="ship-spend num">
        {usage && usage.turns > 0 ? <span title={`${usage.turns} turns`}>{usd(usage.costUsd)}</span> : "–"}
      </td>
      <td class={`ship-sync${sync.state === "trouble" ? " tone-bad" : ""}`}>
        <span class="line" title={sync.text}>
          {sync.state}
        </span>
      </td>
      <td class="ship-orders">
        <button type="button" class="small quiet" onClick={() => openLog({ ship: name })} aria-label={`Log of ${name}`}>
          Log
        </button>
        {task && (
          <button
            type="button"
            class="small quiet danger"
            onClick={() => releaseTask(task.id, name)}
            aria-label={`Release task ${task.id} from ${name}`}
          >
            Release…
          </button>
        )}
      </td>
    </tr>
  );
}
