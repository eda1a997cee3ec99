import type { Grant } from "../../lib/protocol/ship-claims.ts";
import type { TaskLog } from "../machine/task-log.ts";
import type { ClaimContext } from "./context.ts";
import type { Delivery } from "./delivery.ts";

/** Does one task: brings the tree to what it should be, and delivers it. Throws what ends the claim from outside. */
export type Hand = (
  context: ClaimContext,
  grant: Grant,
  delivery: Delivery,
  log: TaskLog,
  signal: AbortSignal,
) => Promise<HandEnd>;

/**
 * How a hand's work on a claim ended: delivered, failed (that counts as a try), given back unharmed, or with a question
 * to the captain.
 */
export type HandEnd =
  | { kind: "accepted" }
  | { kind: "failed"; reason: string }
  | { kind: "handed-back"; reason: string }
  | { kind: "asked"; question: string };
