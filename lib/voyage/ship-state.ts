import type { ShipRow } from "../protocol/status.ts";

/** What a ship is doing, in the words of `ocaptain status`, of its JSON and of the stack's outputs alike. */
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
 * The state of a ship by the helm's row. A ship that said goodbye lets its VM sleep, or is about to: the VM is not asked, which costs a call
 * to the provider. `unknown`: it never reported.
 */
export const shipState = (row: ShipRow): ShipState =>
  row.state === "stopping" && row.task !== null ? "working" : STATES[row.state];
