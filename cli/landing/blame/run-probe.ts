import { OcaptainError } from "../../../lib/base/errors.ts";
import type { HelmClient } from "../../../lib/daemons/helm-client.ts";
import type { ProbeResult, ProbeRow } from "../../../lib/protocol/probes.ts";
import type { ShipRow, VoyageStatus } from "../../../lib/protocol/status.ts";
import type { VoyageIdentity } from "../../../lib/voyage/identity.ts";

/** The helm as far as a search asks it. */
export type Prober = Pick<HelmClient, "voyage" | "probes" | "probe" | "askProbe" | "cancelProbe">;

/** Who is asked for runs of verify.sh, and until when. */
export type Asking = { helm: Prober; file: Pick<VoyageIdentity, "voyageId" | "stack">; signal: AbortSignal };

/** How long one question to the helm waits for news, in seconds: then it is looked whether a ship is there at all. */
const LOOK_SECONDS = 10;

/** A ship that runs verify.sh by itself when it is asked to: one that is there, or that the helm can wake. */
const CAN_RUN: ReadonlySet<ShipRow["state"]> = new Set(["working", "idle", "ended"]);
export const ableShips = ({ ships }: VoyageStatus): ShipRow[] =>
  ships.filter(({ state, unfit }) => CAN_RUN.has(state) && unfit === undefined);

export const hasSunk = (stack: string) =>
  new OcaptainError("SUNK", `voyage "${stack}" has sunk, and has no ships that could run verify.sh`, {
    hint: `pulumi up -s ${stack}  # makes ships again; then: ocaptain blame ${stack}`,
  });

/**
 * Says that verify.sh can be run by ships of the voyage, and by which.
 * @throws OcaptainError SUNK, PAUSED, NO_SHIPS
 */
export function shipsToAsk(status: VoyageStatus, { stack }: Asking["file"]): ShipRow[] {
  if (status.state === "sunk") throw hasSunk(stack);
  if (status.paused)
    throw new OcaptainError("PAUSED", `voyage "${stack}" is paused, and its ships are given nothing, also not verify.sh`, {
      hint: `ocaptain resume ${stack}`,
    });
  const able = ableShips(status);
  if (able.length > 0) return able;
  const each = status.ships.map(({ ship, state, unfit }) => `${ship} is ${unfit === undefined ? state : "unfit"}`);
  throw new OcaptainError("NO_SHIPS", `no ship of voyage "${stack}" can run verify.sh: ${each.join(", ") || "it has none"}`, {
    hint: `pulumi up -s ${stack}`,
  });
}

/**
 * Has verify.sh run at a commit, and waits for its end. A run of that commit that waits or is under way already is
 * waited for instead. When the search is given up, what waits is cancelled.
 *
 * @param later  the ships that are to have it only when no other takes it
 * @param onChange  told of each change: a ship has it, or it waits again
 * @throws OcaptainError NO_SHIPS, PAUSED; NO_ANSWER when no ship comes to its end; CANCELLED
 */
export async function runProbe(
  { helm, file, signal }: Asking,
  { commit, later }: { commit: string; later: readonly string[] },
  onChange: (row: ProbeRow) => void,
): Promise<ProbeResult> {
  const id = file.voyageId;
  const { open } = await helm.probes(id);
  const asked = open.find((each) => each.commit === commit) ?? (await helm.askProbe(id, { commit, later: [...later] }));
  try {
    onChange(asked);
    for (let row: ProbeRow = asked; ; ) {
      const now = await unlessAborted(helm.probe(id, asked.probe, row, LOOK_SECONDS), signal);
      if (now.status === "done" && now.exitCode !== -1) return now;
      if (now.status === "done" || now.status === "cancelled")
        throw new OcaptainError(
          now.status === "done" ? "NO_ANSWER" : "CANCELLED",
          `verify.sh has no result at ${commit.slice(0, 10)}: ${now.output ?? now.reason ?? "it was cancelled"}`,
          { hint: `ocaptain status ${file.stack}  # then once more: ocaptain blame ${file.stack}` },
        );
      if (now.status === "waiting") shipsToAsk(await helm.voyage(id), file);
      if (now.status !== row.status || now.lost !== row.lost || now.reason !== row.reason) onChange(now);
      row = now;
    }
  } catch (error) {
    // What a ship runs goes on, and its answer is known to the next search.
    await helm.cancelProbe(id, asked.probe).catch(() => {});
    throw error;
  }
}

/** The answer, unless the signal comes before it: then its reason is thrown. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  answer.then(resolve, reject);
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}
