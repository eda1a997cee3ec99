import { Icon, shapeOf } from "./icon.tsx";

/** How a word is coloured, beside its shape: what goes well, what waits, what is to be looked at, what is wrong. */
const TONES: Record<string, "good" | "calm" | "warn" | "bad"> = {
  working: "good",
  sailing: "good",
  verifying: "good",
  claimed: "good",
  accepted: "good",
  verified: "good",
  done: "good",
  idle: "calm",
  asleep: "calm",
  pending: "calm",
  cancelled: "calm",
  planning: "calm",
  sunk: "calm",
  paused: "warn",
  limited: "warn",
  "no-progress": "warn",
  "needs-captain": "warn",
  budget: "warn",
  unknown: "warn",
  "no-signal": "bad",
  stalled: "bad",
  fenced: "bad",
  lost: "bad",
  unfit: "bad",
  blocked: "bad",
  failed: "bad",
};

export const toneOf = (word: string): string => TONES[word] ?? "warn";

/** A state as people say it. */
export const inWords = (word: string): string => (word === "claimed" ? "at work" : word.replaceAll("-", " "));

/** A state: its shape, its word and its colour. */
export const State = ({ word, big = false }: { word: string; big?: boolean }) => (
  <span class={`state tone-${toneOf(word)}${big ? " state-big" : ""}`}>
    <Icon shape={shapeOf(word)} size={big ? 18 : 16} />
    <span>{inWords(word)}</span>
  </span>
);
