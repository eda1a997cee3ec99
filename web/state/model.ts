import type { Usage } from "../../lib/protocol/ship-reports.ts";
import type { Spend, VoyageState } from "../../lib/protocol/status.ts";
import type { PageView } from "../../lib/watch/page-api.ts";

export type { TaskRow } from "../../lib/protocol/status.ts";
export type { PageAction, PageLogLine, PageVoyage, ViewChange } from "../../lib/watch/page-api.ts";

/** What has happened in a voyage. */
export type VoyageEvent = {
  seq: number;
  at: string;
  kind: string;
  task?: string;
  ship?: string;
  epoch?: number;
  reason?: string;
  data?: Record<string, unknown>;
};
/** What needs the captain, and the action that helps. */
export type Attention = {
  id: string;
  kind: string;
  of: string;
  message: string;
  detail?: string;
  choices?: string[];
  hint: string;
  since: string | null;
  action: {
    verb: "answer" | "retry" | "release" | "budget" | "up" | "log" | "verify" | "none";
    task?: string;
    ship?: string;
  };
};
export type ShipView = {
  ship: string;
  state: string;
  knownBy: string;
  factAt?: string | null;
  since: string | null;
  task: { id: string; subject: string; since: string } | null;
  usage: Usage | null;
  note: string | null;
  sync: { state: string; text: string };
};
type StatusView = {
  id: string;
  stack: string;
  name: string | null;
  state: VoyageState | "unknown";
  sunkAs: "verified" | "done" | null;
  from: "helm" | "files";
  asOf: string | null;
  branch: string;
  tip: string | null;
  workspace: string;
  tasks: { total: number; accepted: number; claimed: number; pending: number; blocked: number; cancelled: number };
  spend: Spend | null;
  limited: { until: string; message: string } | null;
  paused: { since: string; giveBackAt: string | null } | null;
  attention: Attention[];
  ships: ShipView[];
  next: string | null;
};

/** A voyage as the stream sends it. */
export type View = PageView<StatusView>;
/** A voyage without its rows, which are kept apart because they change most. */
export type Head = Omit<View, "ships" | "taskRows">;

/**
 * How the page is connected. `away`: the helm does not answer, since then. `signed-out`: it answers, and does not know
 * this browser any more.
 */
export type Link = { state: "connecting" | "live" | "away" | "signed-out"; since: number };
