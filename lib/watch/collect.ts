import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { helmClient } from "../daemons/helm-client.ts";
import { voyageMutagen } from "../mutagen/voyage.ts";
import type { ShipRow, TaskRow, VoyageStatus } from "../protocol/status.ts";
import { readLanding } from "../voyage/landing-file.ts";
import { nextStep } from "../voyage/next-step.ts";
import { countTasks, readTaskRows, spendOfTasks } from "../voyage/task-files.ts";
import { attentionOf, helmAttention, taskAttention } from "./attention.ts";
import { endOf } from "./end-of.ts";
import { aboutVoyage, pasteableIn } from "./hint.ts";
import type { KnownVoyage } from "./known.ts";
import { canLand, landedPulls, landingAttention } from "./landed.ts";
import { notAsked } from "./ship-state.ts";
import { type Syncs, sortSessions, syncAttention, syncOf } from "./sync-view.ts";
import { heldTask, outsideOf, type ShipView, type StatusView, seenShip } from "./view.ts";
import { evidenceOf, evidenceOfFiles } from "./voyage-state.ts";

/** How a voyage is looked at. */
type Look = {
  /** Asks the helm for its status, or says why that cannot be. @default by the helm's socket */
  ask?: (voyage: KnownVoyage) => Promise<VoyageStatus | Error>;
  /** Asks the voyage's sync daemon. @default each time */
  syncs?: (voyage: KnownVoyage) => Promise<Syncs>;
  /** The folder of the shell into which hints are pasted; null: it may be in any. @default this process's */
  from?: string | null;
};

/**
 * Collects what can be known of a voyage: asks the helm, or reads the task files and the folder where the helm does not
 * answer; and asks the voyage's sync daemon, if it runs. Wakes no ship, starts no daemon, asks no provider, and does
 * not throw: the view says which part is unknown.
 */
export async function collectStatus(voyage: KnownVoyage, look: Look = {}): Promise<StatusView> {
  const { ask = askHelm, syncs: askThem = askSyncs, from = process.cwd() } = look;
  const asked = readLanding(voyage.folder, voyage.file.voyageId).catch(() => null);
  const [helm, syncs, found] = await Promise.all([ask(voyage), askThem(voyage), asked]);
  const landing = found ?? undefined;
  const known = "id" in helm ? byHelm(voyage, helm, syncs) : await byFiles(voyage, syncs, helm);
  const view = { ...known, landed: landedPulls(landing) };
  const about = aboutVoyage(voyage.file);
  const all = [...view.attention, ...landingAttention(view, { landing, canLand: canLand(voyage.file) })];
  const attention = all.map((each) => ({ ...each, hint: pasteableIn(from, each.hint, about) }));
  const next = view.next && pasteableIn(from, view.next, about);
  return { ...view, attention, next, ...(landing && { landing }) };
}

/** Collects the tasks from the helm, or from the task files where it does not answer. */
export async function collectTasks(voyage: KnownVoyage): Promise<{ from: "helm" | "files"; tasks: TaskRow[] }> {
  const helm = await askHelm(voyage);
  return "id" in helm ? { from: "helm", tasks: helm.tasks } : { from: "files", tasks: await readTaskRows(voyage.folder) };
}

/**
 * The helm's status of the voyage; or the error, when it does not run, does not have this voyage (any more), or runs
 * and does not answer.
 */
const askHelm = ({ file }: KnownVoyage): Promise<VoyageStatus | Error> =>
  helmClient()
    .lookAtVoyage(file.voyageId)
    .catch((error: Error) => error);

/**
 * The voyage's sync sessions; null when the daemon does not run or cannot be understood. The provider matters only to a
 * daemon that is started.
 */
export async function askSyncs({ file }: { file: Pick<KnownVoyage["file"], "voyageId"> }): Promise<Syncs> {
  const mutagen = voyageMutagen({ voyageId: file.voyageId, provider: "harbor" });
  return mutagen.list().then(sortSessions, () => null);
}

function byHelm({ file, folder }: KnownVoyage, status: VoyageStatus, syncs: Syncs): Omit<StatusView, "landed"> {
  const ships = status.ships.map((row): ShipView => {
    const seen = seenShip(row, status);
    return {
      ...seen,
      usage: status.spend.byShip?.[row.ship] ?? null,
      note: row.limited && !status.limited ? heldNote(row.limited, row.ship) : row.note,
      sync: syncOf(syncs, row.ship, seen.state),
    };
  });
  const ours = byName(ships);
  return {
    id: file.voyageId,
    stack: file.stack,
    name: status.name,
    state: status.state,
    ...evidenceOf(status),
    sunkAs: status.state === "sunk" ? endOf(folder.ledger, status.tip) : null,
    from: "helm",
    asOf: status.asOf,
    branch: status.branch,
    tip: status.tip,
    workspace: folder.workspace,
    tasks: countTasks(status.tasks),
    outside: outsideOf(status.tasks),
    spend: status.spend,
    limited: status.limited ?? null,
    paused: status.paused ?? null,
    attention: [
      ...attentionOf(status, ours),
      ...ours.flatMap(({ ship }) => syncAttention(syncs, ship, folder.mirror(ship), file.stack)),
    ],
    ships: ours,
    taskRows: status.tasks,
    next: nextOf(status.state, file.stack, folder.workspace),
  };
}

/** Of a voyage that goes on there is nothing to do, and what is wrong has a hint of its own. */
const nextOf = (state: StatusView["state"], stack: string, workspace: string) =>
  ["verified", "done", "sunk"].includes(state) ? nextStep(state, stack, workspace) : null;

const heldNote = ({ until, message, by }: NonNullable<ShipRow["limited"]>, ship: string) =>
  `no task until ${until.slice(0, 19)}Z, by the word of ${by.join(" and ") === ship ? "itself" : by.join(" and ")}: ${message}`;

async function byFiles({ file, folder }: KnownVoyage, syncs: Syncs, why: Error): Promise<Omit<StatusView, "landed">> {
  const [tasks, tip, mirrors, logs] = await Promise.all([
    readTaskRows(folder),
    tipOf(folder.repo, file.stack),
    namesIn(folder.ships),
    namesIn(folder.logs),
  ]);
  const owners = tasks.flatMap((task) => task.ship ?? []);
  const names = [...new Set([...mirrors, ...logs, ...owners])];
  const ships = names.map((ship): ShipView => {
    const task = tasks.find((row) => row.status === "claimed" && row.ship === ship);
    return {
      ship,
      ...notAsked(task),
      task: task ? heldTask(task) : null,
      usage: null,
      note: null,
      sync: syncOf(syncs, ship, "unknown"),
    };
  });
  const shown = file.sunkAt ? [] : byName(ships);
  return {
    id: file.voyageId,
    stack: file.stack,
    name: null,
    state: file.sunkAt ? "sunk" : "unknown",
    ...evidenceOfFiles(file.sunkAt),
    sunkAs: file.sunkAt ? endOf(folder.ledger, tip) : null,
    from: "files",
    asOf:
      file.sunkAt ??
      tasks
        .map((task) => task.changedAt)
        .sort()
        .at(-1) ??
      null,
    branch: file.stack,
    tip,
    workspace: folder.workspace,
    tasks: countTasks(tasks),
    outside: outsideOf(tasks),
    spend: spendOfTasks(tasks),
    limited: null,
    paused: null,
    attention: file.sunkAt
      ? []
      : [
          helmAttention(file.stack, why),
          ...taskAttention(tasks, file.stack),
          ...shown.flatMap(({ ship }) => syncAttention(syncs, ship, folder.mirror(ship), file.stack)),
        ],
    ships: shown,
    taskRows: tasks,
    next: file.sunkAt ? nextOf("sunk", file.stack, folder.workspace) : null,
  };
}

/**
 * The branch's newest commit, read from the loose ref that git keeps of a branch that moves. Only a packed ref is asked
 * of git: to load its client each time would be a third of a look's time.
 */
async function tipOf(repo: string, branch: string): Promise<string | null> {
  const loose = await readFile(join(repo, "refs", "heads", branch), "utf8").catch(() => "");
  if (/^[0-9a-f]{40}\n$/.test(loose)) return loose.trim();
  const { gitLine } = await import("../git/run.ts");
  return gitLine(["rev-parse", `refs/heads/${branch}`], { gitDir: repo }).catch(() => null);
}

/** The folders in `folder`. Files are left out: beside a mirror is the note of whose it is. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Sorts ship-2 before ship-10. Not by localeCompare, whose first use costs more than all else here. */
const byName = (ships: ShipView[]) => ships.sort((a, b) => a.ship.length - b.ship.length || (a.ship < b.ship ? -1 : 1));
