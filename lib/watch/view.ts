import type { Usage } from "../protocol/ship-reports.ts";
import type { Outside, ShipRow, Spend, TaskRow, VoyageState, VoyageStatus } from "../protocol/status.ts";
import type { LandingFile } from "../voyage/landing-file.ts";
import type { TaskCounts } from "../voyage/task-files.ts";
import { type Seen, seenState } from "./ship-state.ts";

/** A voyage at one moment, as `ocaptain status --json` prints it. Times are ISO 8601. */
export type StatusView = {
  id: string;
  stack: string;
  /** The plan's name; null when only the files could be asked. */
  name: string | null;
  /** `unknown`: the helm does not answer, and files do not say it. */
  state: VoyageState | "unknown";
  /** How the state is known, and since when it is so; null where nobody knows. */
  knownBy: string;
  since: string | null;
  /** What a voyage that has sunk had come to before; null when it had work left, and for one at sea. */
  sunkAs: "verified" | "done" | null;
  /** Where tasks and ships are known from. */
  from: "helm" | "files";
  /** Of `from`: the helm's clock now, or the last change of a task file. */
  asOf: string | null;
  branch: string;
  tip: string | null;
  /** The checkout of the branch, in full. */
  workspace: string;
  tasks: TaskCounts;
  /** The accepted tasks that have changed files outside of what they touch by the plan. */
  outside: ({ id: string } & Outside)[];
  /** null when nothing is known of it. */
  spend: Spend | null;
  /**
   * What holds every task back until then, in Claude Code's own words: a usage limit, credentials that are refused, an
   * API that is away.
   */
  limited: VoyageStatus["limited"] | null;
  /** Since when the captain has paused the voyage, and when its tasks are given back; null when it is not paused. */
  paused: VoyageStatus["paused"] | null;
  /** What only a person can mend, the most pressing first: all that is shown anywhere as "needs you". */
  attention: Attention[];
  ships: ShipView[];
  /** All tasks. `ocaptain status --json` leaves them out: `ocaptain tasks --json` has them. */
  taskRows: TaskRow[];
  /** The command that comes next where the voyage has come to its end; null while something goes on or is wrong. */
  next: string | null;
  /** What has become of its landing; absent where it was never landed, or that cannot be read. */
  landing?: LandingFile;
  /** The pull requests of its landing, the newest 50. */
  landed: LandedPull[];
};

/** A pull request that the voyage has landed as, as the forge has last told of it. */
export type LandedPull = {
  number: number;
  url: string;
  /** The same as far as it may be a link: null for an address that is not https, or not the forge's own. */
  link: string | null;
  branch: string;
  base: string;
  /** `unknown`: the forge was not asked since something was last pushed (`ocaptain land status` asks it). */
  state: "open" | "closed" | "merged" | "unknown";
  isDraft: boolean;
  /** null where that is not known. */
  mergeable: boolean | null;
  /** At most 50, those that failed first. */
  checks: { name: string; state: "pending" | "success" | "failure" | "neutral"; link: string | null; summary: string }[];
  /** Whose newest verdict that is, of those who may write. */
  approvedBy: string[];
  changesBy: string[];
  /** The remarks of reviews that are not resolved. */
  openComments: number;
  /** When the forge was asked. */
  asOf: string | null;
};

/** A thing that waits for the captain: what it is, since when, and what answers it. */
export type Attention = {
  /** The same as long as this lasts. */
  id: string;
  kind: "budget" | "question" | "helm" | "task" | "verification" | "ship" | "sync" | "voyage" | "notices" | "landing";
  /** Of what: a task's id, a ship's name. */
  of: string;
  message: string;
  /** More lines of it, as an agent wrote them. */
  detail?: string;
  /** What a question can be answered with, where its last lines list choices. */
  choices?: string[];
  /** A command that helps, to be pasted. */
  hint: string;
  /** Since when it is so; null where nobody knows. */
  since: string | null;
  action: Action;
};

/**
 * What the captain does about it: answer the question of `task`, retry it, release it from its ship, raise the voyage's
 * budget, run `pulumi up`, read the log of `ship`, have verify.sh run again; `none` where the hint says more.
 */
export type Action = {
  verb: "answer" | "retry" | "release" | "budget" | "up" | "log" | "verify" | "none";
  task?: string;
  ship?: string;
};

/** A ship: its state with the evidence for it (lib/watch/ship-state.ts), and what else is known of it. */
export type ShipView = Seen & {
  ship: string;
  /** What it holds; `since` is when it got it, and `source` where an imported task came from. */
  task: { id: string; subject: string; since: string; source?: string } | null;
  /** What its runs have used, in all its lives; null when that is not known. */
  usage: Usage | null;
  /** One line of its own about what it does. */
  note: string | null;
  sync: SyncView;
};

/** All of a ship's syncs as one. `asleep` and `away`: Mutagen cannot reach the ship now. */
export type SyncView = {
  state: "ok" | "busy" | "asleep" | "away" | "trouble" | "none" | "unknown";
  text: string;
};

/** What of a ship tells whether it needs the captain. */
export type SeenShip = Seen & Pick<ShipView, "ship" | "task">;

/** A ship as the helm's row tells of it. */
export function seenShip(row: ShipRow, status: VoyageStatus): SeenShip {
  const task = row.task === null ? undefined : status.tasks.find(({ id }) => id === row.task);
  return { ship: row.ship, ...seenState(row, status), task: task ? heldTask(task) : null };
}

/** The task that a ship holds. */
export const heldTask = ({ id, subject, changedAt, source }: TaskRow): ShipView["task"] => ({
  id,
  subject,
  since: changedAt,
  ...(source !== undefined && { source }),
});

/** The tasks whose commits have changed files outside of what they touch, with those files. */
export const outsideOf = (tasks: readonly TaskRow[]): StatusView["outside"] =>
  tasks.flatMap(({ id, status, outside }) => (outside && status === "accepted" ? [{ id, ...outside }] : []));
