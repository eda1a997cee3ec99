import type { PageView } from "../../lib/watch/page-api.ts";
import type { StatusView } from "../../lib/watch/view.ts";

export type { VoyageEvent } from "../../lib/protocol/events.ts";
export type { TaskRow } from "../../lib/protocol/status.ts";
export type { PageAction, PageLogLine, PageVoyage, ViewChange } from "../../lib/watch/page-api.ts";
export type { Attention, ShipView } from "../../lib/watch/view.ts";

/** A voyage as the stream sends it. */
export type View = PageView<StatusView>;
/** A voyage without its rows, which are kept apart because they change most. */
export type Head = Omit<View, "ships" | "taskRows">;

/**
 * How the page is connected. `away`: the helm does not answer, since then. `signed-out`: it answers, and does not know
 * this browser any more.
 */
export type Link = { state: "connecting" | "live" | "away" | "signed-out"; since: number };
