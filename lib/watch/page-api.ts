import type { TaskRow, VoyageState } from "../protocol/status.ts";

/**
 * What the page in the captain's browser (web/) asks of the helm that serves it (helm/page/), and is sent. An error is
 * 4xx or 5xx with a {@link PageError} as JSON. The page's bundle takes this file whole, so that it imports only types.
 *
 * Without a session:
 * - `GET /` is the page, `GET /assets/…` its script and style. They hold nothing of a voyage.
 * - `GET /enter?token=…` is the first address, as `ocaptain dashboard` prints it. It gives the browser its cookie and
 *   leads to `/`. The token is good once, for ten minutes.
 *
 * With the cookie, else 401:
 * - `GET /api/session` → {@link PageSession}, with the token for the header `x-ocaptain` that each POST must have.
 * - `GET /api/stream?voyages=ID,ID` → server-sent events, as {@link StreamEvents} has them. The list of all voyages
 *   comes always; the whole views only of those that are named, at most {@link MOST_STREAMED}.
 * - `GET /api/voyages` → `{voyages: PageVoyage[]}`, the same list.
 * - `GET /api/voyages/:id` → {@link PageView}, at once, also for voyages that no stream names.
 * - `GET /api/voyages/:id/events?after=SEQ&limit=N` or `?before=SEQ&limit=N` → {@link EventsReply}, the oldest first;
 *   without either the newest.
 * - `GET /api/voyages/:id/logs?ship=&task=&text=&lines=` → {@link LogsReply}, the newest lines; with `&cursor=` of an
 *   earlier reply, what has come since. It never waits, so that it takes no connection: the page asks each second while
 *   it shows logs. 410 GONE when the cursor is not known any more; ask again without.
 * - `POST /api/voyages/:id/actions` {@link PageAction} → {@link ActionReply}.
 */

/** The most voyages whose whole views one stream can have. */
export const MOST_STREAMED = 8;
/** The header in which each POST has the token of {@link PageSession}. */
export const ACTION_HEADER = "x-ocaptain";

export type PageError = { error: string; message: string; hint?: string };

export type PageSession = {
  /** The token of {@link ACTION_HEADER}. */
  token: string;
  /** The digest of the helm's code: where it changes, the page loads itself anew. */
  build: string;
  startedAt: string;
};

/** A voyage in the list of all. Voyages that have sunk are in it, as long as their folders are. */
export type PageVoyage = {
  id: string;
  stack: string;
  /** The plan's name; null where it is not known. */
  name: string | null;
  state: VoyageState | "unknown";
  sunkAs: "verified" | "done" | null;
  createdAt: string;
  sunkAt: string | null;
  tasks: { total: number; accepted: number; cancelled: number };
  ships: number;
  costUsd: number | null;
  budgetUsd: number | null;
  /** How many rows "needs you" has. */
  needsYou: number;
};

/** What one voyage is sent as. `V` is the view that `ocaptain status --json` prints. */
export type PageView<V = Record<string, unknown>> = V & {
  /** All tasks, in the plan's order. */
  taskRows: TaskRow[];
  /** How the voyage can be sunk: from here by the action `sink`, or by a command that the page shows to be pasted. */
  sinking: Sinking;
  /** The command that brings ships, and makes those anew that are gone, to be pasted. */
  upCommand: string;
};

export type Sinking = {
  /** Whether the action `sink` works here: `ocaptain sail` has made the voyage, and it is at sea. */
  fromHere: boolean;
  /** The command that sinks it, to be pasted. */
  command: string;
  /** The run that the page has started; null when there was none since the helm started. */
  run: { startedAt: string; endedAt: string | null; exitCode: number | null; output: string } | null;
};

/** What the stream sends: the name of each server-sent event, and its data as JSON. */
export type StreamEvents = {
  /** The first of all. */
  hello: { build: string; now: string };
  /** The list of all voyages, whole: at the start, and whenever a row of it has changed. */
  voyages: { voyages: PageVoyage[] };
  /** A voyage that was named, whole: at the start. */
  view: { voyage: string; view: PageView };
  /** What has changed of it since. */
  change: ViewChange;
  /** A voyage that was named is not there, or not any more. */
  gone: { voyage: string };
  /** Each ten seconds: the helm is there. */
  ping: { now: string };
};

/** What has changed of a view. Rows are whole where anything of them has changed. */
export type ViewChange = {
  voyage: string;
  /** The fields of the view that have changed, but for `ships` and `taskRows`. Each is whole. */
  set?: Record<string, unknown>;
  ships?: RowChange<{ ship: string } & Record<string, unknown>>;
  taskRows?: RowChange<TaskRow>;
};
/**
 * `rows` are to be put in the place of those with the same name (`ship` or `id`), `gone` to be taken out. `order` has
 * all names, and comes only when it is another one than that of the earlier rows, with the new ones at the end.
 */
export type RowChange<R> = { rows: R[]; gone: string[]; order?: string[] };

/**
 * What the captain orders on the page. Each does what a verb of `ocaptain` does, by the same code. The helm checks it
 * by helm/page/asks.ts.
 */
export type PageAction =
  /**
   * `ocaptain answer '#TASK' TEXT`. Where it is refused the page keeps the text. With the `epoch` of the question that
   * was read, no other question of the task is answered by it.
   */
  | { action: "answer"; task: string; epoch?: number | undefined; text: string }
  /** `ocaptain retry TASK` */
  | { action: "retry"; task: string }
  /** `ocaptain retry verify` */
  | { action: "verify" }
  /** `ocaptain retry limit` */
  | { action: "lift-limits" }
  /** `ocaptain release TASK`: its ship is fenced. */
  | { action: "release"; task: string; reason?: string | undefined }
  /** `ocaptain pause` */
  | { action: "pause"; withinSeconds?: number | undefined }
  /** `ocaptain resume` */
  | { action: "resume" }
  /** `ocaptain budget USD` */
  | { action: "budget"; usd: number }
  /** `ocaptain sink --yes`, in a process of its own. */
  | { action: "sink" };

/** What has been done, in a sentence. */
export type ActionReply = { message: string };

/** What an agent asked is answered with at most so many characters. */
export const MOST_ANSWER = 16_384;

/** Events of a voyage, the oldest first; `last` is the newest that there is. */
export type EventsReply<E = Record<string, unknown>> = { events: E[]; last: number };

export type PageLogLine = {
  at: string;
  ship: string;
  /** The log's name: `supervisor`, `task-<id>-<epoch>`, `verify-<n>`. */
  source: string;
  task: string | null;
  /** The supervisor's word for what happened; null for what a hand printed. */
  event: string | null;
  text: string;
};
/** `truncated`: there are older lines, which were not read, or not sent. */
export type LogsReply = { lines: PageLogLine[]; cursor: string; truncated: boolean };
