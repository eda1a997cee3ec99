import { signal } from "@preact/signals";
import { Command } from "../parts/copy.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { usd } from "../parts/number.ts";
import { State } from "../parts/state.tsx";
import { clockTime } from "../state/clock.ts";
import type { PageVoyage } from "../state/model.ts";
import { choose, current, voyages } from "../state/store.ts";

export const voyagesAreOpen = signal(false);

/** The list of all voyages of this captain: those at sea first, then those that have sunk. */
export function VoyagesDialog() {
  if (!voyagesAreOpen.value) return null;
  const all = voyages.value ?? [];
  const atSea = all.filter(({ state }) => state !== "sunk");
  const sunk = all.filter(({ state }) => state === "sunk");
  return (
    <Dialog title="Voyages" wide onClose={() => (voyagesAreOpen.value = false)}>
      <List title="At sea" rows={atSea} />
      <List title="Sunk" rows={sunk} />
      <div class="buttons end">
        <button type="button" onClick={() => (voyagesAreOpen.value = false)}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function List({ title, rows }: { title: string; rows: PageVoyage[] }) {
  if (rows.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="voyages">
        {rows.map((voyage) => (
          <li key={voyage.id}>
            <button
              type="button"
              class="voyage"
              aria-current={voyage.id === current.value ? "true" : undefined}
              onClick={() => {
                voyagesAreOpen.value = false;
                choose(voyage.id);
              }}
            >
              <span class="voyage-name">
                <strong class="mono">{voyage.stack}</strong> {voyage.name}
              </span>
              <span class="voyage-state">
                <State word={voyage.state} />
                {voyage.needsYou > 0 && <span class="badge">{voyage.needsYou} need you</span>}
                {voyage.sunkAs && <span class="quietly">was {voyage.sunkAs}</span>}
              </span>
              <span class="voyage-facts quietly">
                {voyage.tasks.accepted}/{voyage.tasks.total - voyage.tasks.cancelled} accepted
                {voyage.costUsd !== null && voyage.costUsd > 0 && ` · ${usd(voyage.costUsd)}`}
                {` · since ${clockTime(voyage.createdAt)}`}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The page of a captain who has no voyage: how to get one. */
export const NoVoyage = () => (
  <div class="no-voyage">
    <h1>No voyage yet</h1>
    <p>A voyage begins with a plan. This makes one, and sails it:</p>
    <ol>
      <li>
        <Command text="ocaptain plan new ./plan" />
      </li>
      <li>
        <Command text="ocaptain sail ./plan" />
      </li>
    </ol>
    <p class="quietly">It appears here by itself. Voyages that have sunk stay here as long as their folders do.</p>
  </div>
);
