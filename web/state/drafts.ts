import { signal } from "@preact/signals";

/**
 * Replies that were typed and not delivered, by voyage and task. They are kept in the browser until the helm has taken
 * them, over a reload, a closed tab and a helm that is away.
 */
export type Draft = {
  text: string;
  /** What was asked when it was typed. */
  question: string;
  /** Why it was not delivered, after it was sent. */
  failed?: string;
};

const KEY = "ocaptain-drafts";
/** The most drafts that are kept; the oldest go first. */
const MOST = 50;

const read = (): Record<string, Draft> => {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, Draft>;
  } catch {
    return {};
  }
};

export const drafts = signal(read());
// Another tab has typed, or has delivered.
addEventListener("storage", ({ key }) => {
  if (key === KEY) drafts.value = read();
});

export const draftKey = (voyage: string, task: string) => `${voyage} ${task}`;

export function keepDraft(key: string, draft: Draft | null): void {
  const { [key]: _, ...others } = read();
  const kept = Object.entries(others).slice(-MOST + 1);
  const next = Object.fromEntries(draft && draft.text !== "" ? [...kept, [key, draft]] : kept) as Record<string, Draft>;
  drafts.value = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // A browser that keeps nothing keeps it for this tab.
  }
}
