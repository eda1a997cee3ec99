import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { voyagesRoot } from "../../lib/base/paths.ts";
import { firstLine } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { TaskRow, VoyageStatus } from "../../lib/protocol/status.ts";
import { shipState } from "../../lib/watch/ship-state.ts";
import type { Terminal as Whole } from "../output/terminal.ts";

type Terminal = Pick<Whole, "line" | "status" | "style">;

/** How often the helm is asked: it has no stream for the captain, and a claim lasts a second or more. */
const LOOK_MS = 150;

/**
 * Prints each change of a task with its ship, from now until `stop`, beside whatever else goes on. `until` waits for a
 * state of the voyage; it fails STALLED when nothing has moved for `quietSeconds`, and with the signal's reason when
 * that is aborted.
 */
export function followTasks(terminal: Terminal, voyageId: string, options: { signal: AbortSignal; quietSeconds: number }) {
  const seen = new Map<string, string>();
  let last: VoyageStatus | undefined;
  let movedAt = Date.now();
  let stopped = false;

  const following = (async () => {
    while (!stopped) {
      const status = await helmClient()
        .voyage(voyageId)
        .catch(() => last); // a helm that is restarted is away for a moment
      for (const task of status?.tasks ?? []) {
        const now = `${task.status} ${task.epoch}`;
        if (seen.get(task.id) === now) continue;
        if (seen.has(task.id) || task.status !== "pending") terminal.line(describe(terminal, task, status?.tasks ?? []));
        seen.set(task.id, now);
        movedAt = Date.now();
      }
      last = status;
      await sleep(LOOK_MS);
    }
  })();

  return {
    async until(holds: (status: VoyageStatus) => boolean): Promise<VoyageStatus> {
      movedAt = Date.now();
      for (;;) {
        options.signal.throwIfAborted();
        if (last && holds(last)) {
          terminal.status("");
          return last;
        }
        terminal.status(summary(last));
        if (Date.now() - movedAt > options.quietSeconds * 1000)
          throw new OcaptainError("STALLED", `nothing has moved for ${options.quietSeconds} s: ${summary(last)}`, {
            hint: `ls ${voyagesRoot()}/*/logs`,
          });
        await sleep(LOOK_MS);
      }
    },
    async stop(): Promise<void> {
      stopped = true;
      await following;
    },
  };
}

function describe(terminal: Terminal, task: TaskRow, all: TaskRow[]): string {
  const done = all.filter((row) => row.status === "accepted").length;
  const what = `#${task.id.padEnd(2)} ${firstLine(task.subject)}`;
  const line = (mark: string, note = "") =>
    `${mark} ${(task.ship ?? "").padEnd(7)} ${what}${note && `  ${terminal.style("dim", firstLine(note))}`}`;
  if (task.status === "claimed") return line(terminal.style("cyan", "▸"));
  if (task.status === "accepted")
    return line(terminal.style("green", "✓"), `${task.commit?.slice(0, 8)} · ${done}/${all.length}`);
  if (task.status === "blocked") return line(terminal.style("red", "✗"), task.reason ?? "blocked");
  return line(terminal.style("yellow", "↺"), task.reason ?? task.status);
}

function summary(status: VoyageStatus | undefined): string {
  if (!status) return "  the helm has not answered yet";
  const done = status.tasks.filter((task) => task.status === "accepted").length;
  const ships = status.ships.map((ship) => `${ship.ship} ${ship.task ? `#${ship.task}` : shipState(ship, status)}`).join(" · ");
  return `  ${status.state} ${done}/${status.tasks.length} · ${ships}`;
}
