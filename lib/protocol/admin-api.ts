import { z } from "zod";
import { Plan, PlanChanges } from "../plan/types.ts";
import { HandKind, ProviderKind } from "./choices.ts";
import { ShipRow, VoyageStatus } from "./status.ts";

/**
 * The helm's admin API: JSON over HTTP on a unix socket (0600, `helmSocket()`), for the captain's own processes.
 *
 * | call | body | answer |
 * |---|---|---|
 * | `GET /health` | – | Health |
 * | `PUT /voyages/:id` | RegisterVoyage | 200 PlanChanges. Idempotent; writes the ledger, the projection, the provider's credentials |
 * | `POST /voyages/:id/plan-changes` | `{plan}` | 200 PlanChanges, nothing written |
 * | `GET /voyages/:id` | – | 200 VoyageStatus, 404 |
 * | `DELETE /voyages/:id` | – | 200 `{}`; also when unknown. The ledger file stays; ships' tokens die; a helm with no voyage left ends itself |
 * | `PUT /voyages/:id/ships/:ship` | `{incarnation}` | 200 `{token}`: registers this incarnation (fencing any older one, saving its mirror) and mints its token; minted anew at each call |
 * | `GET /voyages/:id/ships/:ship` | – | 200 ShipRow, 404 |
 * | `GET /voyages/:id/ships/:ship/ready?incarnation=&timeoutSeconds=` | – | 200 ShipRow once that incarnation's supervisor is connected, or has said hello since its newest token was minted, and its hand is proven; 504 ShipRow, at once when its trial failed (`unfit`) |
 * | `POST /voyages/:id/ships/:ship/fence` | `{incarnation, reason}` | 200 FenceReply: refs saved of the ship, ever. The claim is requeued. Idempotent |
 * | `POST /voyages/:id/ships/:ship/stop?timeoutSeconds=` | `{incarnation}` | 200 ShipRow: the supervisor was told to stop and has released its claim and gone, or was not there; 504 ShipRow when it did not in time. It stays stopping until it is registered again |
 * | `DELETE /voyages/:id/ships/:ship` | – | 200 `{}`: forgets the ship (fencing it first); also when unknown |
 * | `POST /voyages/:id/lift-limits` | – | 200 `{lifted}`: the ships that had told of a usage limit; none holds the voyage any more |
 * | `GET /voyages/:id/tasks/:task` | – | 200 TaskRow, 404 |
 * | `POST /voyages/:id/tasks/:task/retry` | – | 200 TaskRow: a blocked task is pending again, its tries 0. BUDGET when its own is spent |
 * | `POST /voyages/:id/verification/retry` | – | 200 VoyageStatus: a verify.sh that failed at this tip is run again |
 * | `POST /voyages/:id/tasks/:task/release` | `{reason}` | 200 TaskRow: fences the claim (epoch) and requeues |
 * | `POST /voyages/:id/tasks/:task/answer` | `{text}` | 200 TaskRow: the answer to what its agent asked; it is pending again. NO_QUESTION when it asks nothing |
 * | `POST /shutdown` | – | 200 `{}`, then it ends |
 *
 * Errors: `{error: CODE, message, hint?}` with 4xx/5xx.
 */

export const Health = z.object({
  pid: z.number(),
  port: z.number(),
  /** sha256 over the helm's own source: a helm of other code is restarted by `ensureHelm`. */
  build: z.string(),
  startedAt: z.string(),
  voyages: z.array(z.string()),
});
export type Health = z.infer<typeof Health>;

export const RegisterVoyage = z.object({
  stack: z.string(),
  /** Absolute path of the captain's folder (local wire only, never in state). */
  folder: z.string(),
  plan: Plan,
  hand: HandKind,
  /** What the voyage may spend, of the hand claude. */
  budgetUsd: z.number().positive().optional(),
  /** How the helm wakes ships. `token` is kept 0600 in the folder, never in the ledger. */
  provider: z.object({
    kind: ProviderKind,
    baseUrl: z.string().optional(),
    token: z.string().optional(),
    unconfined: z.boolean().optional(),
  }),
  /** The captain's address in the voyage's tailnet, where the helm is to listen too; absent: loopback is enough. */
  listenAt: z.string().optional(),
  /** Tunables; defaults: lease 120, heartbeat 10, fence 90, linger 8. Tests scale them down. */
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
export const LiftReply = z.object({ lifted: z.array(z.string()) });
export const TokenReply = z.object({ token: z.string() });
/** `unsaved`: why the mirror could not be saved as a ref; its files are still in `ships/<ship>/`. */
export const FenceReply = z.object({ lost: z.array(z.string()), unsaved: z.string().optional() });

export { Plan, PlanChanges, ShipRow, VoyageStatus };
