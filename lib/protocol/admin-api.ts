import { z } from "zod";
import { Author } from "../git/author.ts";
import { NoticeEvent } from "../notices/events.ts";
import { NoticeTargets } from "../notices/targets.ts";
import { FollowUp } from "../plan/follow-up.ts";
import { MAX_SHIPS } from "../plan/limits.ts";
import { Plan, PlanChanges } from "../plan/types.ts";
import { HandKind, ProviderKind, TelemetryChoice } from "./choices.ts";
import { ShipRow, TaskRow, VoyageStatus } from "./status.ts";

/**
 * The helm's admin API: JSON over HTTP for the captain's own processes, on a unix socket of mode 0600 (`helmSocket()`).
 * Each call is listed with its body, if it takes one, and what 200 answers. An error is 4xx or 5xx with `{error: CODE,
 * message, hint?}`.
 *
 * The helm itself:
 * - `GET /health` → Health.
 * - `POST /shutdown` → `{}`. The helm ends after the answer.
 *
 * The page in the captain's browser:
 * - `POST /page` OpenPage → PageAt. It opens the page where it is not, and makes a first address, which is good once.
 * - `DELETE /page` → `{}`. The page is served no more, and every browser has to be let in anew.
 *
 * A voyage:
 * - `PUT /voyages/:id` RegisterVoyage → PlanChanges. It writes the ledger, the task files and the provider's
 *   credentials, and may be repeated.
 * - `POST /voyages/:id/plan-changes` `{plan}` → PlanChanges. It writes nothing.
 * - `GET /voyages/:id` → VoyageStatus, or 404.
 * - `GET /voyages/:id/events?after=&limit=` → VoyageEvents (lib/protocol/events.ts): what happened after that event,
 *   the oldest first.
 * - `DELETE /voyages/:id` → `{}`, also for an unknown voyage. The ledger's file stays, and the ships' tokens are good
 *   no more. A helm without voyages ends itself.
 * - `POST /voyages/:id/lift-limits` → `{lifted}`, the ships that had told of a usage limit. None holds the voyage any
 *   more.
 * - `POST /voyages/:id/pause` `{withinSeconds?}` → VoyageStatus. Nothing is granted any more; ships that are still at
 *   work after so many seconds give their tasks back. The call may be repeated, and the last one counts.
 * - `POST /voyages/:id/resume` → VoyageStatus. Tasks are granted again. The call may be repeated.
 * - `POST /voyages/:id/budget` `{usd}` → VoyageStatus. What the voyage may spend, until the configured budget changes;
 *   null: as it is configured. The error is NO_BUDGET where the hand spends nothing.
 * - `POST /voyages/:id/off-duty` `{ships, seconds}` → VoyageStatus. These ships are given nothing new for so long; 0
 *   ends it. What they hold they keep. A captain's command that waits for them repeats the call; a helm that starts
 *   anew has forgotten it.
 * - `POST /voyages/:id/notices/test` `{event}` → NoticeTestReply, once each target has got a test of that event, or
 *   three tries were in vain.
 * - `GET /voyages/:id/notices` → NoticesReply: how each target fares, and the newest notices.
 * - `POST /voyages/:id/verification/retry` → VoyageStatus. A verify.sh that failed at this tip is run again.
 *
 * Runs of verify.sh at any commit of the branch, by ships that have nothing else to do (lib/protocol/probes.ts):
 * - `GET /voyages/:id/probes` → Probes: those that are not through, and what is known of commits.
 * - `POST /voyages/:id/probes` AskProbe → ProbeRow. The error is NOT_ON_BRANCH, NO_VERIFY or TOO_MANY_PROBES.
 * - `GET /voyages/:id/probes/:probe?known=&timeoutSeconds=` → ProbeResult; with `known`, which is `<status>-<lost>`,
 *   once it is another, or after the timeout. The error is NO_PROBE.
 * - `DELETE /voyages/:id/probes/:probe` → ProbeRow. One that waits is cancelled; one that a ship runs goes on.
 *
 * A ship:
 * - `PUT /voyages/:id/ships/:ship` `{incarnation}` → `{token}`. It registers this incarnation, fences any older one,
 *   whose mirror it saves, and makes a new token at each call.
 * - `GET /voyages/:id/ships/:ship` → ShipRow, or 404.
 * - `GET /voyages/:id/ships/:ship/ready?incarnation=&timeoutSeconds=` → ShipRow, once that incarnation's hand is proven
 *   and its supervisor is connected or has said hello since its newest token was made. After the timeout it is 504 with
 *   the ShipRow, and at once when the hand's trial has failed (`unfit`).
 * - `POST /voyages/:id/ships/:ship/fence` `{incarnation, reason}` → FenceReply. The ship's task is pending again. The
 *   call may be repeated.
 * - `POST /voyages/:id/ships/:ship/stop?timeoutSeconds=` `{incarnation}` → ShipRow, once the supervisor has released
 *   its claim and gone, or when it was not there; 504 with the ShipRow when it did not go in time. The ship stays
 *   stopping until it is registered again.
 * - `DELETE /voyages/:id/ships/:ship` → `{}`, also for an unknown ship. The helm fences the ship and forgets it.
 *
 * Telemetry (lib/telemetry/wire.ts):
 * - `GET /telemetry` → TelemetryStatus.
 * - `POST /telemetry/start` StartTelemetry → TelemetryStarted. Programs of the captain's that are on no ship may send
 *   telemetry, to this port of loopback, until `POST /telemetry/stop`; the helm stays for them when no voyage is left.
 *   The call may be repeated, and the last one counts. The error is PORT_BUSY when another program holds the port.
 *
 * A task:
 * - `POST /voyages/:id/tasks` FollowUp → AddedTask. It adds a task beside the plan, which no plan changes. The same
 *   signature adds nothing twice, and is answered with the task that is there. The error is BAD_TASK for one that waits
 *   for what the voyage does not have, and where there are no tasks, as in a sail without a plan.
 * - `POST /voyages/:id/tasks/:task/cancel` → TaskRow. It cancels a task that was so added and that nobody is at; the
 *   error is TASK_STATUS. The call may be repeated.
 * - `GET /voyages/:id/tasks/:task` → TaskRow, or 404.
 * - `POST /voyages/:id/tasks/:task/retry` → TaskRow. A blocked task is pending again with no tries counted. The error
 *   is BUDGET when the task's own budget is spent.
 * - `POST /voyages/:id/tasks/:task/release` `{reason}` → TaskRow. It takes the task from its ship, whose late answer is
 *   then known by its epoch, and makes it pending again.
 * - `POST /voyages/:id/tasks/:task/answer` `{text}` → TaskRow. It answers what the task's agent has asked, and the task
 *   is pending again. The error is NO_QUESTION when nothing was asked.
 */

export const Health = z.object({
  pid: z.number(),
  port: z.number(),
  /** The sha256 of the helm's own source, by which `ensureHelm` finds a helm of other code and restarts it. */
  build: z.string(),
  startedAt: z.string(),
  voyages: z.array(z.string()),
});
export type Health = z.infer<typeof Health>;

export const OpenPage = z.object({
  /** The port on loopback; absent: the one that it has had, or a free one. */
  port: z.int().min(1).max(65_535).optional(),
  /** The captain's address in a tailnet, where the page is to be served too; `tun`: a kernel interface has it. */
  tailnet: z.object({ address: z.ipv4(), tun: z.boolean() }).optional(),
  /** Whether a file is to be written that leads a browser to the first address. */
  file: z.boolean().optional(),
});
export type OpenPage = z.infer<typeof OpenPage>;
export const PageAt = z.object({ url: z.string(), tailnetUrl: z.string().optional(), file: z.string().optional() });
export type PageAt = z.infer<typeof PageAt>;

export const RegisterVoyage = z.object({
  stack: z.string(),
  /**
   * The absolute path of the captain's folder. It goes to the helm of this machine only, and never into Pulumi's state.
   */
  folder: z.string(),
  plan: Plan,
  /** The absolute path of the folder that the plan was read from; absent for a sail without a plan. */
  planFolder: z.string().optional(),
  hand: HandKind,
  /** What the hand `claude` may spend in this voyage, in US dollars. */
  budgetUsd: z.number().positive().optional(),
  /** What of the hand claude's telemetry is kept; absent when it is the usual, without contents. */
  telemetry: TelemetryChoice.optional(),
  /** After how many minutes without progress a ship at work is named. @default 20 */
  noProgressMinutes: z.number().positive().optional(),
  /** The author of the voyage's commits; without one the ship that did a task is the author of its commit. */
  author: Author.optional(),
  /** Whether each commit has a trailer `Signed-off-by` of the author. */
  signOff: z.boolean().optional(),
  /**
   * How the helm reaches the provider, to wake ships. The ledger never has `token`: a file of mode 0600 in the folder
   * does.
   */
  provider: z.object({
    kind: ProviderKind,
    baseUrl: z.string().optional(),
    token: z.string().optional(),
    unconfined: z.boolean().optional(),
  }),
  /**
   * Where the captain is told what needs a person. It is kept as the provider's token is, in a file of its own. A
   * caller of earlier code says nothing of it.
   */
  notify: NoticeTargets.optional(),
  /**
   * The captain's address in the voyage's tailnet, where the helm listens too. Without it the helm listens on loopback
   * only.
   */
  listenAt: z.string().optional(),
  /**
   * Times of the ships' calls, which tests scale down. The defaults are lease 120, heartbeat 10, fence 90 and linger 8.
   */
  timing: z
    .object({
      leaseSeconds: z.number().positive(),
      heartbeatSeconds: z.number().positive(),
      fenceSeconds: z.number().positive(),
      lingerSeconds: z.number().nonnegative(),
    })
    .partial()
    .optional(),
});
export type RegisterVoyage = z.infer<typeof RegisterVoyage>;

export const IncarnationBody = z.object({ incarnation: z.string().min(1), reason: z.string().optional() });
/** `isNew`: whether this call has added the task. */
export const AddedTask = z.object({ task: TaskRow, isNew: z.boolean() });
export type AddedTask = z.infer<typeof AddedTask>;
export const PauseBody = z.object({ withinSeconds: z.number().nonnegative().max(8_640_000).optional() });
export const BudgetBody = z.object({ usd: z.number().positive().max(1_000_000).nullable() });
export const OffDutyBody = z.object({
  ships: z.array(z.string().min(1).max(100)).max(MAX_SHIPS),
  seconds: z.number().nonnegative().max(600),
});
export const NoticeTestBody = z.object({ event: NoticeEvent });
/** What became of a test at each target: `wants`, whether it is told of that event otherwise. */
export const NoticeTestReply = z.object({
  notice: z.string(),
  targets: z.array(
    z.object({
      target: z.string(),
      wants: z.boolean(),
      ok: z.boolean(),
      /** The status of HTTP, or the exit status of a command; null when there was none. */
      status: z.number().nullable(),
      error: z.string().nullable(),
      tries: z.number(),
      seconds: z.number(),
      said: z.string().optional(),
    }),
  ),
});
export type NoticeTestReply = z.infer<typeof NoticeTestReply>;
export const NoticesReply = z.object({
  targets: z.array(
    z.object({
      target: z.string(),
      waiting: z.number(),
      /** How many found no room in the queue. */
      dropped: z.number(),
      last: z.object({ notice: z.string(), at: z.string(), tries: z.number(), error: z.string().nullable() }).nullable(),
    }),
  ),
  notices: z.array(
    z.object({
      id: z.string(),
      state: z.string(),
      event: z.string(),
      of: z.string(),
      message: z.string(),
      at: z.string(),
      /** null: a target that is set no more. */
      target: z.string().nullable(),
      status: z.enum(["waiting", "sent", "failed", "dropped"]),
      tries: z.number(),
      error: z.string().nullable(),
      doneAt: z.string().nullable(),
    }),
  ),
});
export type NoticesReply = z.infer<typeof NoticesReply>;
export const LiftReply = z.object({ lifted: z.array(z.string()) });
export const TokenReply = z.object({ token: z.string() });
/**
 * What fencing a ship has saved: `lost` names all refs that were ever saved of it. `unsaved` says why its mirror could
 * not be saved as a ref, in which case the files are still in `ships/<ship>/`.
 */
export const FenceReply = z.object({ lost: z.array(z.string()), unsaved: z.string().optional() });

export { FollowUp, Plan, PlanChanges, ShipRow, VoyageStatus };
