import type { VoyageEvent } from "../../../lib/protocol/events.ts";
import type { Basis, Usage } from "../../../lib/protocol/ship-reports.ts";
import type { Outside, TaskStatus } from "../../../lib/protocol/status.ts";
import type { LandedPull, StatusView } from "../../../lib/watch/view.ts";

// What a report tells of a voyage: facts alone, apart from how they are drawn, as `ocaptain report --json` prints them.
// Times are ISO 8601, by the captain's clock. null is what is not known, or is not there.

export type ReportFacts = {
  voyage: VoyageFacts;
  period: Period;
  tasks: TaskFacts[];
  ships: ShipFacts[];
  /** What held the whole voyage, or one ship of it, in the order of its beginning. */
  holds: Hold[];
  graph: GraphFacts;
  spend: SpendFacts;
  delivery: DeliveryFacts;
  verification: VerificationFacts;
  /** The pull requests as which it has landed; `link` is null for an address that is not the forge's own over https. */
  landed: Pick<LandedPull, "number" | "url" | "link" | "state">[];
  /** What was given back, lost, blocked, refused or asked, in the order in which it happened. */
  setbacks: Setback[];
  events: EventsFacts;
  /** Sentences about what is not known, and why. */
  unknown: string[];
};

export type VoyageFacts = {
  id: string;
  stack: string;
  /** The plan's name. */
  name: string;
  /** The purpose in one line. */
  purpose: string;
  /** What the spec says under "Objective"; null where it has no such part. */
  objective: string | null;
  /** The text of the plan's spec.md. */
  spec: string;
  state: StatusView["state"];
  sunkAs: StatusView["sunkAs"];
  createdAt: string;
  sunkAt: string | null;
  /** The time of what is told. */
  asOf: string;
  branch: string;
  tip: string | null;
  hand: string | null;
  /** The model that the plan names for its tasks; null where no model was used. */
  model: string | null;
  /** The address of the repository. */
  repository: string | null;
  /** Whose command has sailed the voyage. */
  sailedBy: "ocaptain" | "Pulumi" | null;
  /** The version of ocaptain that made the report. */
  reportedBy: string;
};

export type Period = {
  /** The first and the last time that are known of the voyage. */
  from: string;
  to: string;
  /** From the first grant to the last result; null where there was none. */
  work: { from: string; to: string } | null;
  /** The first time of which everything is known; null where the ledger has no events. */
  knownFrom: string | null;
};

/** How a claim ended. `open`: it has not. */
export type ClaimEnd =
  | "accepted"
  | "failed"
  | "given back"
  | "taken back"
  | "lost"
  | "asked"
  | "passed"
  | "dropped"
  | "open"
  | "not known";

/** A ship's hold of a task, or of the verification. */
export type Claim = {
  kind: "task" | "verify";
  /** The task's id; for the verification its number. */
  task: string;
  epoch: number;
  ship: string;
  from: string;
  /** null while it goes on, and where its end is not known. */
  to: string | null;
  end: ClaimEnd;
  reason: string | null;
};

export type TaskFacts = {
  id: string;
  subject: string;
  status: TaskStatus;
  blockedBy: string[];
  ship: string | null;
  commit: string | null;
  /** The command that had to succeed before the commit was taken. */
  check: string | null;
  summary: string | null;
  reason: string | null;
  /** How often it was given to a ship. */
  grants: number;
  /** From its last grant to its acceptance, by the helm's clock. */
  seconds: number | null;
  acceptedAt: string | null;
  usage: Usage | null;
  /** What of that was spent in claims that delivered nothing. */
  thrownAwayUsd: number;
  budgetUsd: number | null;
  /** What its commit changes; null where the repository does not say it. */
  change: Change | null;
  outside: Outside | null;
  isCritical: boolean;
};

export type Change = { files: number; insertions: number; deletions: number };

/** What a ship did at a time. The segments of a ship follow each other, and never overlap. */
export type Segment = {
  is: "task" | "verify" | "free" | "away" | "starting" | "fenced" | "not known";
  from: string;
  to: string;
  task?: string;
  epoch?: number;
  end?: ClaimEnd;
  reason?: string;
};

/** What happened to a ship at a moment. */
export type Mark = { at: string; is: "cut off" | "healed" | "woken" | "unfit" | "rescued" | "refused"; text: string };

export type ShipFacts = {
  ship: string;
  /** Its state now; null for a ship of a voyage that has sunk, or that is forgotten. */
  state: string | null;
  /** How many lives it had, which is how often it was made or registered anew. */
  lives: number;
  /** How often it was cut off from work that it held: it was lost, replaced, or its task was taken back. */
  cutOff: number;
  accepted: number;
  /** Seconds at tasks and at verify.sh, free, away, and not known. */
  seconds: { work: number; free: number; away: number; unknown: number };
  usage: Usage | null;
  segments: Segment[];
  marks: Mark[];
};

export type Hold = {
  is: "paused" | "limit" | "budget";
  from: string;
  /** null while it lasts, and where its end is not known. */
  to: string | null;
  ship: string | null;
  text: string;
};

export type GraphFacts = {
  /** The ids of the longest chain of tasks that waited for each other. */
  criticalPath: string[];
  /** How long the tasks of that chain took one after the other; null where that is not known of each. */
  criticalSeconds: number | null;
  /** `seconds`: the longest by what tasks took; `tasks`: by their number, as not all times are known. */
  by: "seconds" | "tasks";
  /** The ids of tasks by wave: each comes after all that block it. Empty where the graph cannot be laid out. */
  waves: string[][];
};

export type SpendFacts = {
  /** null where nothing is known of any run. */
  total: Usage | null;
  budgetUsd: number | null;
  /** Of runs that belong to no task: the trials of ships. */
  withoutTask: Usage | null;
  /** Of claims that were accepted, that go on, that asked the captain, and that delivered nothing. */
  deliveredUsd: number;
  openUsd: number;
  askedUsd: number;
  thrownAway: { usd: number; by: { why: string; usd: number; runs: number }[] };
  byModel: ModelFacts[];
};

/** What was used of a model; `tokens` counts all of them. */
export type ModelFacts = { model: string; costUsd: number; tokens: number; basis: Basis };

export type DeliveryFacts = {
  /** The commits of accepted tasks that the branch has. */
  commits: number;
  /** What the branch changes from where the voyage began; null where the repository does not say it. */
  change: Change | null;
  base: string | null;
};

/** A run of verify.sh. */
export type VerifyRun = {
  epoch: number;
  ship: string | null;
  commit: string | null;
  at: string;
  seconds: number | null;
  end: "passed" | "failed" | "dropped" | "open" | "not known";
  exitCode: number | null;
  /** The last lines that it printed; null where they are not kept. */
  lastLines: string | null;
};

export type VerificationFacts = {
  /** The text of the plan's verify.sh; null where it has none. */
  script: string | null;
  runs: VerifyRun[];
  /** The result for the branch as it is now. */
  now: { commit: string; exitCode: number; at: string } | null;
};

export type Setback = {
  at: string;
  is: "given back" | "failed" | "taken back" | "lost" | "blocked" | "conflict" | "check failed" | "asked" | "rescued" | "unfit";
  task: string | null;
  ship: string | null;
  epoch: number | null;
  text: string;
  /** Of a question: the captain's answer. Of what was rescued: the ref. */
  more: string | null;
};

export type EventsFacts = {
  /** How many there are, and of which time; `shown` has the newest. */
  total: number;
  /** Whether all that ever happened is among them. */
  whole: boolean;
  shown: VoyageEvent[];
};
