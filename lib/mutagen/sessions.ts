import { createHash } from "node:crypto";
import { z } from "zod";
import type { VoyageFolder } from "../base/paths.ts";
import { shipFacts, UserName } from "../ship/facts.ts";
import { SYNCED_LINK } from "../ship/install.ts";
import type { SessionSpec } from "./spec.ts";

export type SessionKind = "tasks" | "workspace" | "logs";
export const sessionKinds: readonly SessionKind[] = ["tasks", "workspace", "logs"];

/** One life of one ship's VM. */
export type Berth = { voyageId: string; ship: string; incarnation: string };

const MiB = 1024 * 1024;

/** `v3fa9c1-ship-0-tasks-1f0c93ab`: one set of names per incarnation. A letter first, as Mutagen wants. */
export function sessionName({ voyageId, ship, incarnation }: Berth, kind: SessionKind): string {
  return `v${voyageId}-${ship}-${kind}-${incarnationLabel(incarnation)}`;
}

/**
 * Makes the specs of a ship's three sync sessions:
 *
 * - tasks carries the captain's task lists to the ship (one-way-replica). It syncs their parent folder, so that its
 *   root is never empty. It leaves out Claude Code's locks and half-written files, because a synced lock delays Claude
 *   Code by 10 seconds.
 * - workspace keeps the mirror and the ship's tree the same (two-way-safe). It ignores `.git`, file or folder, at any
 *   depth, and nothing else.
 * - logs carries the ship's logs to the captain (one-way-safe), where they stay even if the ship loses them.
 *
 * @param host  what `ssh` calls the ship: the sprite's name.
 * @param user  default `sprite`.
 */
export function shipSessions(
  args: Berth & { folder: VoyageFolder; host: string; user?: string },
): Record<SessionKind, SessionSpec> {
  const { folder, ship, incarnation, host, user = "sprite" } = args;
  // A sync's address is read by Mutagen, and then by ssh.
  const at = shipFacts(host, z.object({ user: UserName }), JSON.stringify({ user })).user;
  const onShip = (path: string) => `${at}@${host}:~/${path}`;
  const common = (kind: SessionKind) => ({
    name: sessionName(args, kind),
    labels: { voyage: args.voyageId, ship, kind, incarnation: incarnationLabel(incarnation) },
  });
  return {
    tasks: {
      ...common("tasks"),
      alpha: folder.tasksRoot,
      beta: onShip(".claude/tasks"),
      mode: "one-way-replica",
      ignores: [".lock", "*.lock", "*.tmp.*"],
      pollingIntervalSeconds: 1,
      maxFileBytes: MiB,
      maxEntries: 20_000,
      symlinks: "ignore",
    },
    workspace: {
      ...common("workspace"),
      alpha: folder.mirror(ship),
      // By a link, so that it is spared what verify.sh is run in (crew/verify/verified-tree.ts).
      beta: onShip(`${SYNCED_LINK.path}/workspace`),
      mode: "two-way-safe",
      ignores: [".git"],
      // Each poll scans the whole tree on both sides, and nothing waits for the mirror but a flush.
      pollingIntervalSeconds: 5,
      maxFileBytes: 64 * MiB,
      maxEntries: 250_000,
      symlinks: "portable",
    },
    logs: {
      ...common("logs"),
      alpha: onShip("voyage/logs"),
      beta: folder.shipLogs(ship, incarnation),
      mode: "one-way-safe",
      ignores: [],
      pollingIntervalSeconds: 2,
      maxFileBytes: 256 * MiB,
      maxEntries: 20_000,
      symlinks: "ignore",
    },
  };
}

/** Platform ids have any shape; 8 hex digits of their sha256 fit names and labels, and tell one ship's lives apart. */
export const incarnationLabel = (incarnation: string) => createHash("sha256").update(incarnation).digest("hex").slice(0, 8);
