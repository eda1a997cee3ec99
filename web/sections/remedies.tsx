import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { act, busy, keyOf } from "../state/actions.ts";
import type { Attention } from "../state/model.ts";
import { head, isLive } from "../state/store.ts";
import { openLog } from "./log-filter.ts";
import { releaseTask } from "./orders.ts";

/** The buttons that help with what needs the captain. What only a terminal can do has its command below. */
export function Remedies({ row: { action, of } }: { row: Attention }) {
  const { verb, task, ship } = action;
  return (
    <div class="buttons">
      {verb === "retry" && task && (
        <Do label="Try again" action={{ action: "retry", task }} title={`Gives task ${task} out again, with no tries counted`} />
      )}
      {verb === "verify" && <Do label="Run verify.sh again" action={{ action: "verify" }} title="Runs it again at this commit" />}
      {verb === "release" && task && (
        <button type="button" class="danger" disabled={!isLive.value} onClick={() => releaseTask(task, ship)}>
          Release task {task}…
        </button>
      )}
      {verb === "budget" && <Budget />}
      {(task || ship) && (
        <button type="button" onClick={() => openLog(task ? { task } : { ship: ship! })}>
          Open the log{task ? ` of task ${task}` : ` of ${ship ?? of}`}
        </button>
      )}
    </div>
  );
}

type Action = Parameters<typeof act>[0];

function Do({ label, action, title }: { label: string; action: Action; title: string }) {
  const isBusy = busy.value.has(keyOf(action));
  return (
    <button type="button" class="primary" title={title} disabled={isBusy || !isLive.value} onClick={() => act(action)}>
      {label}
    </button>
  );
}

/** A field for a new budget, with half as much again as a proposal. */
export function Budget() {
  const id = useId();
  const spend = head.value?.spend;
  const proposed = Math.max(1, Math.ceil(Math.max(spend?.budgetUsd ?? 0, spend?.costUsd ?? 0) * 1.5));
  const typed = useSignal<string | null>(null);
  const usd = Number(typed.value ?? proposed);
  const isGood = Number.isFinite(usd) && usd > 0 && usd <= 1_000_000;
  const isBusy = busy.value.has("budget ");
  const send = async (event: Event) => {
    event.preventDefault();
    if (isGood && (await act({ action: "budget", usd })) === null) typed.value = null;
  };
  return (
    <form class="budget-form" onSubmit={send}>
      <label for={id}>Budget in US dollars</label>
      <input
        id={id}
        type="number"
        min="0.01"
        max="1000000"
        step="any"
        inputMode="decimal"
        value={typed.value ?? String(proposed)}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="primary" disabled={!isGood || isBusy || !isLive.value}>
        Set the budget
      </button>
    </form>
  );
}
