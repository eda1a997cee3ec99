import type { ShipRow } from "../protocol/status.ts";

/** What a ship is doing, in the captain's words: the same ones in `ocaptain status`, in its JSON and in the stack's outputs. */
export type ShipState = "working" | "idle" | "asleep" | "fenced" | "lost" | "unknown";

const STATES: Record<ShipRow["state"], ShipState> = {
  new: "unknown",
  working: "working",
  idle: "idle",
  ended: "asleep",
  lost: "lost",
  fenced: "fenced",
  stopping: "idle",
};

/**
 * Of the helm's row. A ship that said goodbye has given its hold back, and so sleeps or is about to (design 10): its VM is not asked, which costs a call
 * to the provider. `unknown`: it never reported.
 */
export const shipState = (row: ShipRow): ShipState =>
  row.state === "stopping" && row.task !== null ? "working" : STATES[row.state];
