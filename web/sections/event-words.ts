import type { Shape } from "../parts/icon.tsx";
import { usd } from "../parts/number.ts";
import type { VoyageEvent } from "../state/model.ts";

type Words = { shape: Shape; tone?: "good" | "warn" | "bad"; say: (event: VoyageEvent) => string };

const task = ({ task }: VoyageEvent) => `task ${task ?? "?"}`;
const ship = ({ ship }: VoyageEvent) => ship ?? "a ship";
const number = (event: VoyageEvent, key: string) => (typeof event.data?.[key] === "number" ? (event.data[key] as number) : null);
const text = (event: VoyageEvent, key: string) => (typeof event.data?.[key] === "string" ? (event.data[key] as string) : "");

/** What each kind of event is told as. */
const WORDS: Record<VoyageEvent["kind"], Words> = {
  "voyage-registered": { shape: "anchor", say: () => "the voyage was registered at the helm" },
  "plan-changed": {
    shape: "pending",
    say: (event) => {
      const parts = ["added", "updated", "cancelled"].map((key) => `${number(event, key) ?? 0} ${key}`);
      return `the plan has changed: ${parts.join(", ")}`;
    },
  },
  "task-added": { shape: "pending", say: (event) => `${task(event)} was added` },
  "task-cancelled": { shape: "cancelled", say: (event) => `${task(event)} was cancelled` },
  "ship-registered": { shape: "idle", say: (event) => `${ship(event)} was registered` },
  "ship-hello": { shape: "working", say: (event) => `${ship(event)} said hello` },
  "ship-away": { shape: "asleep", say: (event) => `${ship(event)} went to rest` },
  "ship-woken": { shape: "working", say: (event) => `${ship(event)} was woken` },
  "ship-fenced": { shape: "fenced", tone: "bad", say: (event) => `${ship(event)} was fenced` },
  "ship-forgotten": { shape: "cancelled", say: (event) => `${ship(event)} was taken out of the fleet` },
  "ship-unfit": { shape: "unfit", tone: "bad", say: (event) => `${ship(event)} cannot work` },
  "ship-fit": { shape: "accepted", tone: "good", say: (event) => `${ship(event)} can work` },
  "task-granted": { shape: "working", say: (event) => `${ship(event)} began ${task(event)}` },
  "task-accepted": {
    shape: "accepted",
    tone: "good",
    say: (event) => `${task(event)} of ${ship(event)} was accepted as ${text(event, "commit").slice(0, 8) || "a commit"}`,
  },
  "task-given-back": { shape: "unfit", tone: "warn", say: (event) => `${ship(event)} gave ${task(event)} back` },
  "task-released": { shape: "unfit", tone: "warn", say: (event) => `${task(event)} was taken from ${ship(event)}` },
  "task-blocked": { shape: "blocked", tone: "bad", say: (event) => `${task(event)} is blocked` },
  "task-retried": { shape: "pending", say: (event) => `${task(event)} may be tried again` },
  "task-asked": { shape: "question", tone: "warn", say: (event) => `${task(event)} asks, from ${ship(event)}` },
  "task-answered": { shape: "question", tone: "good", say: (event) => `${task(event)} was answered` },
  "merge-conflict": {
    shape: "unfit",
    tone: "warn",
    say: (event) => `${task(event)} of ${ship(event)} conflicts with the branch`,
  },
  "check-failed": { shape: "unfit", tone: "warn", say: (event) => `the check of ${task(event)} failed on ${ship(event)}` },
  rescued: { shape: "anchor", say: (event) => `what ${ship(event)} had not delivered is kept: ${text(event, "ref")}` },
  "verification-granted": { shape: "working", say: (event) => `${ship(event)} runs verify.sh` },
  "verification-passed": { shape: "verified", tone: "good", say: (event) => `verified: ${text(event, "commit").slice(0, 8)}` },
  "verification-failed": { shape: "lost", tone: "bad", say: () => "verify.sh failed" },
  "verification-dropped": { shape: "cancelled", say: () => "a run of verify.sh came to nothing" },
  "probe-asked": { shape: "pending", say: (event) => `a run of verify.sh at ${text(event, "commit").slice(0, 8)} was asked for` },
  "probe-granted": {
    shape: "working",
    say: (event) => `${ship(event)} runs verify.sh at ${text(event, "commit").slice(0, 8)}, to find what breaks it`,
  },
  "probe-ended": {
    shape: "pending",
    say: (event) => `verify.sh ${number(event, "exitCode") === 0 ? "passes" : "fails"} at ${text(event, "commit").slice(0, 8)}`,
  },
  "probe-dropped": { shape: "cancelled", say: (event) => `a run of verify.sh at ${text(event, "commit").slice(0, 8)} was ended` },
  "limit-begun": { shape: "no-progress", tone: "warn", say: (event) => `${ship(event)} met a usage limit` },
  "limit-over": { shape: "working", say: () => "the usage limit is over" },
  "budget-spent": { shape: "budget", tone: "warn", say: () => "the budget is spent" },
  "budget-changed": {
    shape: "budget",
    say: (event) => {
      const to = number(event, "toUsd");
      return to === null ? "there is no budget any more" : `the budget is ${usd(to)} now`;
    },
  },
  paused: { shape: "paused", tone: "warn", say: () => "the voyage was paused" },
  resumed: { shape: "working", say: () => "the voyage goes on" },
  "helm-started": { shape: "anchor", say: () => "the helm has started" },
  "voyage-deregistered": { shape: "anchor", say: () => "the voyage has sunk" },
};

/** An event in words. A kind that this page does not know yet is told by its name. */
export function wordsOf(event: VoyageEvent): { shape: Shape; tone: string; text: string } {
  const known = WORDS[event.kind] as Words | undefined;
  return {
    shape: known?.shape ?? "unknown",
    tone: known?.tone ?? "calm",
    text: known?.say(event) ?? event.kind.replaceAll("-", " "),
  };
}
