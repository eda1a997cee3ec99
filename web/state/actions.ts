import { signal } from "@preact/signals";
import type { ACTION_HEADER, ActionReply, PageError, PageSession } from "../../lib/watch/page-api.ts";
import type { PageAction } from "./model.ts";
import { current } from "./store.ts";

const HEADER: typeof ACTION_HEADER = "x-ocaptain";
const LIMIT_MS = 30_000;

/** What the last action has come to, as the page says it at its foot. */
export type Notice = { text: string; hint?: string; isError: boolean; id: number };
export const notice = signal<Notice | null>(null);
/** The actions that are on their way, by {@link keyOf}. */
export const busy = signal<ReadonlySet<string>>(new Set());

export const keyOf = (action: PageAction): string => `${action.action} ${"task" in action ? action.task : ""}`;

let notices = 0;
export function tell(text: string, { hint, isError = false }: { hint?: string; isError?: boolean } = {}): void {
  notice.value = { text, isError, id: ++notices, ...(hint !== undefined && { hint }) };
}

/** An action that was not done, in the helm's words. */
export class Refused extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Asks the helm for something, as JSON. */
export async function ask<Reply>(path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(path, { ...init, signal: AbortSignal.timeout(LIMIT_MS) }).catch((error: Error) => {
    throw new Refused(error.name === "TimeoutError" ? "the helm has not answered in time" : "the helm does not answer");
  });
  const body = (await response.json().catch(() => null)) as unknown;
  if (response.ok) return body as Reply;
  const { message = `the helm answers ${response.status}`, hint } = (body ?? {}) as Partial<PageError>;
  throw new Refused(message, hint);
}

let session: Promise<PageSession> | undefined;
const token = async () => {
  session ??= ask<PageSession>("/api/session");
  session.catch(() => {
    session = undefined;
  });
  return (await session).token;
};

/**
 * Has the helm do something for the voyage that is shown. It says what was done, or why not.
 * @returns why it was not done, or null
 */
export async function act(action: PageAction, voyage = current.peek()): Promise<string | null> {
  const key = keyOf(action);
  if (voyage === null || busy.value.has(key)) return "it is on its way already";
  busy.value = new Set([...busy.value, key]);
  try {
    const headers = { "content-type": "application/json", [HEADER]: await token() };
    const path = `/api/voyages/${encodeURIComponent(voyage)}/actions`;
    const { message } = await ask<ActionReply>(path, { method: "POST", headers, body: JSON.stringify(action) });
    tell(message);
    return null;
  } catch (error) {
    session = undefined;
    const { message, hint } = error as Refused;
    tell(message, { isError: true, ...(hint !== undefined && { hint }) });
    return message;
  } finally {
    busy.value = new Set([...busy.value].filter((other) => other !== key));
  }
}
