import type { ShipRow } from "../protocol/status.ts";

/** What a ship is doing, in the same words in `ocaptain status`, in its JSON and in the stack's outputs. */
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
 * Derives a ship's state from the helm's row. A ship that has said goodbye counts as asleep: its VM sleeps or is about
 * to, and to ask it would cost a call to the provider. A ship that has never reported is `unknown`.
 */
export const shipState = (row: ShipRow): ShipState =>
  row.state === "stopping" && row.task !== null ? "working" : STATES[row.state];
