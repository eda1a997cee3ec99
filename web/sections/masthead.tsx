import { useComputed, useSignal } from "@preact/signals";
import { Command } from "../parts/copy.tsx";
import { Icon } from "../parts/icon.tsx";
import { counted, usd } from "../parts/number.ts";
import { ScrollFrame } from "../parts/scroll-frame.tsx";
import { State } from "../parts/state.tsx";
import { act } from "../state/actions.ts";
import { ago, clockTime } from "../state/clock.ts";
import { head, isLive, link, needsYou, voyages } from "../state/store.ts";
import { helpIsOpen } from "./keys.tsx";
import { sinkVoyage } from "./orders.ts";
import { nextTheme, theme } from "./theme.ts";
import { voyagesAreOpen } from "./voyages.tsx";

/** The top of the page: which voyage it is, how it goes, and whether what is shown is of now. */
export function Masthead() {
  return (
    <header class="masthead">
      <div class="bar">
        <span class="brand">
          <Icon shape="anchor" size={20} /> ocaptain
        </span>
        <Switcher />
        <span class="bar-end">
          <LinkState />
          <button type="button" class="quiet theme" onClick={nextTheme} aria-label={`Colours: ${theme.value}. Change them`}>
            <Icon shape="theme" /> {theme.value}
          </button>
          <button type="button" class="quiet" onClick={() => (helpIsOpen.value = true)} aria-label="Keys">
            <kbd>?</kbd>
          </button>
        </span>
      </div>
    </header>
  );
}

function Switcher() {
  const count = voyages.value?.length ?? 0;
  if (count === 0) return null;
  return (
    <button type="button" class="switcher" aria-haspopup="dialog" onClick={() => (voyagesAreOpen.value = true)}>
      <span class="mono">{head.value?.stack ?? "choose a voyage"}</span>
      <span class="quietly">{count > 1 ? `1 of ${count}` : "voyages"}</span>
      {needsYou.value > 0 && <span class="badge">{needsYou.value} need you</span>}
    </button>
  );
}

function LinkState() {
  const { state } = link.value;
  const words = { connecting: "connecting", live: "live", away: "helm away", "signed-out": "signed out" } as const;
  return (
    <span class={`link link-${state}`} role="status">
      <span class="dot" aria-hidden="true" />
      {words[state]}
    </span>
  );
}

/** What is said when the page does not know what goes on now: since when, and what helps. */
export function AwayBanner() {
  const { state, since } = link.value;
  const at = useComputed(
    () => `${clockTime(new Date(link.value.since).toISOString())}, ${ago(new Date(link.value.since).toISOString())} ago`,
  );
  if (state === "live" || state === "connecting") return null;
  return (
    <div class="away" role="alert" key={since}>
      <Icon shape="no-signal" size={20} />
      <div>
        <p>
          {state === "away" ? (
            <>
              <strong>The helm does not answer since</strong> <span class="age">{at}</span>. What is shown is what it said last;
              the page goes on by itself when the helm is back.
            </>
          ) : (
            <>
              <strong>This browser is not signed in any more.</strong> What is shown is from <span class="age">{at}</span>.
              Replies that you have typed are kept.
            </>
          )}
        </p>
        <Command text="ocaptain dashboard" />
      </div>
    </div>
  );
}

/** The voyage as a whole: its name and state, how much is done, and the orders for all of it. */
export function Summary() {
  const voyage = head.value;
  const more = useSignal(false);
  if (!voyage) return null;
  const { tasks, spend } = voyage;
  const whole = Math.max(1, tasks.total - tasks.cancelled);
  const parts = [
    ["accepted", tasks.accepted, "accepted"],
    ["claimed", tasks.claimed, "at work"],
    ["blocked", tasks.blocked, "blocked"],
    ["pending", tasks.pending, "pending"],
  ] as const;
  const isAtSea = voyage.state !== "sunk";
  return (
    <div class="summary">
      <div class="summary-title">
        <h1>{voyage.name ?? voyage.stack}</h1>
        <State word={voyage.state} big />
        {voyage.sunkAs && <span class="quietly">was {voyage.sunkAs}</span>}
      </div>
      <svg
        class="progress"
        role="img"
        viewBox={`0 0 ${whole} 1`}
        preserveAspectRatio="none"
        aria-label={parts.map(([, count, word]) => `${count} ${word}`).join(", ")}
      >
        <rect class="progress-rest" width={whole} height="1" />
        {parts.slice(0, 3).map(([key, count], index) => {
          const before = parts.slice(0, index).reduce((sum, part) => sum + part[1], 0);
          return <rect key={key} class={`progress-${key}`} x={before} width={count} height="1" />;
        })}
      </svg>
      <p class="facts">
        <span>
          <strong class="num">{tasks.accepted}</strong> of {counted(whole, "task")} accepted
        </span>
        {parts.slice(1).map(([key, count, word]) => (
          <span key={key}>
            <span class="num">{count}</span> {word}
          </span>
        ))}
        {spend && (spend.turns > 0 || spend.budgetUsd !== null) && (
          <span>
            <span class="num">{usd(spend.costUsd)}</span> spent{spend.budgetUsd !== null && ` of ${usd(spend.budgetUsd)}`}
          </span>
        )}
        <span class="mono">
          {voyage.branch}
          {voyage.tip && `@${voyage.tip.slice(0, 8)}`}
        </span>
      </p>
      {voyage.limited && (
        <p class="remark">
          <Icon shape="no-progress" /> No task is given out before {clockTime(voyage.limited.until)}: {voyage.limited.message}{" "}
          <button type="button" class="small" disabled={!isLive.value} onClick={() => act({ action: "lift-limits" })}>
            Try now
          </button>
        </p>
      )}
      {isAtSea && (
        <div class="buttons summary-orders">
          {voyage.paused ? (
            <button type="button" disabled={!isLive.value} onClick={() => act({ action: "resume" })}>
              Resume
            </button>
          ) : (
            <button
              type="button"
              disabled={!isLive.value}
              title="No task is given out; those at work go on to their end"
              onClick={() => act({ action: "pause" })}
            >
              Pause
            </button>
          )}
          {voyage.sinking?.fromHere ? (
            <button type="button" class="danger" disabled={!isLive.value} onClick={sinkVoyage}>
              Sink…
            </button>
          ) : (
            <button type="button" aria-expanded={more.value} onClick={() => (more.value = !more.value)}>
              Sink…
            </button>
          )}
        </div>
      )}
      {more.value && voyage.sinking && !voyage.sinking.fromHere && (
        <p class="remark">
          This voyage is sunk where its stack is: <Command text={voyage.sinking.command} />
        </p>
      )}
      {voyage.sinking?.run && <SinkRun run={voyage.sinking.run} />}
      {voyage.next && (
        <p class="remark">
          Next: <Command text={voyage.next} />
        </p>
      )}
    </div>
  );
}

type Run = NonNullable<NonNullable<typeof head.value>["sinking"]["run"]>;

function SinkRun({ run }: { run: Run }) {
  const word =
    run.endedAt === null ? "is sinking" : run.exitCode === 0 ? "has sunk" : `could not be sunk (exit status ${run.exitCode})`;
  return (
    <details class="sink-run" open={run.endedAt === null || run.exitCode !== 0}>
      <summary>The voyage {word}</summary>
      <ScrollFrame class="sink-output" label="What it has printed">
        <pre>{run.output}</pre>
      </ScrollFrame>
    </details>
  );
}
