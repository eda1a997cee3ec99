import { existsSync } from "node:fs";
import { join } from "node:path";
import { OcaptainError } from "../lib/base/errors.ts";
import { spriteName } from "../lib/base/naming.ts";
import type { OsLock } from "../lib/base/os-lock.ts";
import { type VoyageFolder, voyageFolderAt } from "../lib/base/paths.ts";
import { removeStaleLocks } from "../lib/git/stale-locks.ts";
import { readKeptTargets } from "../lib/notices/kept-targets.ts";
import { openSprites } from "../lib/sprites/client.ts";
import type { ProviderSettings } from "../lib/sprites/types.ts";
import { readVoyageProvider } from "../lib/voyage/provider.ts";
import { askSyncs } from "../lib/watch/collect.ts";
import { syncAttention } from "../lib/watch/sync-view.ts";
import { Captaincy } from "./captaincy.ts";
import { systemClock } from "./clock.ts";
import { Ledger } from "./ledger/ledger.ts";
import { holdLedger } from "./ledger/lock.ts";
import { Store } from "./ledger/store.ts";
import type { Log } from "./log.ts";
import { readLandingLook } from "./notices/landing.ts";
import { Notices } from "./notices/notices.ts";
import { openBranch } from "./repository/branch.ts";
import { assertLedger, assertWhole } from "./repository/ledger-check.ts";
import { tidyRepo } from "./repository/tidy.ts";
import { guardMirrors } from "./voyage/mirrors.ts";
import { TaskFiles } from "./voyage/task-files.ts";
import { Voyage } from "./voyage/voyage.ts";
import { Waker } from "./voyage/wake.ts";

/**
 * A voyage that this helm has open, and the captain's folder of it. `close` ends all that is done for it, and gives the
 * ledger free.
 */
export type OpenVoyage = { voyage: Voyage; notices: Notices; folder: VoyageFolder; close: () => void };

const TICK_MS = 500;
const READ_TIP_MS = 10_000;
/** How often it is looked for what silence alone brings, which is no change. */
const LOOK_MS = 10_000;
const TIDY_MS = 60_000;

/** What a voyage is told by its helm: where the page is served now, and what is done when another captain has it. */
export type Around = { pageAt: () => string | null; lose: (to: string) => Promise<void> };

/**
 * Opens a voyage from its folder, and keeps it ticking until it is closed.
 * @throws OcaptainError NO_REPO, LEDGER_HELD, LEDGER_GONE, WORK_GONE
 */
export async function openVoyage(id: string, stack: string, root: string, log: Log, around: Around): Promise<OpenVoyage> {
  const folder = voyageFolderAt(root, stack);
  if (!existsSync(folder.repo))
    throw new OcaptainError("NO_REPO", `the repository of voyage ${id} is not at ${folder.repo}`, {
      hint: `pulumi up -s ${stack}`,
    });
  const lock = await holdLedger(folder);
  try {
    await assertLedger(folder, { id, stack });
    return await openHeld(id, stack, folder, lock, log, around);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openHeld(
  id: string,
  stack: string,
  folder: VoyageFolder,
  lock: OsLock,
  log: Log,
  around: Around,
): Promise<OpenVoyage> {
  const ledger = new Ledger(new Store(folder.ledger), () => systemClock.wallMs());
  const taskFiles = new TaskFiles(folder.tasks, ledger, log);
  const branch = openBranch(folder, stack, id);
  const voyage = new Voyage({ id, ledger, branch, clock: systemClock, log, show: (...tasks) => taskFiles.show(...tasks) });
  // This helm has no git at work yet: what is locked was left behind by an earlier one.
  await removeLocks(id, folder, "all", log);
  try {
    await assertWhole(folder, ledger, { id, stack });
    await voyage.open();
  } catch (error) {
    ledger.close();
    throw error;
  }
  await taskFiles.rebuild();
  const captaincy = new Captaincy(folder, around.lose);
  const open = async () => openSprites(await providerOf(folder, stack));
  const waker = new Waker(voyage.context, voyage.crews, open, (labels) => captaincy.seen(labels));
  // A helm that comes back asks at once: it may have been taken from while it was away.
  const [first] = ledger.ships();
  if (first)
    void open()
      .then(async (sprites) => captaincy.seen((await sprites.get(spriteName(stack, id, first.ship)))?.labels))
      .catch((error) => log("not-asked", { voyage: id, error: String(error) }));
  const notices = new Notices({
    context: voyage.context,
    workspace: folder.workspace,
    landing: () => readLandingLook(folder, id),
    pageAt: around.pageAt,
    syncs: async (ships) => {
      const syncs = await askSyncs({ file: { voyageId: id } });
      return syncs && ships.flatMap((ship) => syncAttention(syncs, ship, folder.mirror(ship), stack));
    },
    targets: await readKeptTargets(folder.notify).catch((error: unknown) => {
      log("notify-not-read", { voyage: id, error: error instanceof SyntaxError ? "no JSON" : "it does not fit" });
      return [];
    }),
  });
  const readTip = async () => {
    await removeLocks(id, folder, "heads", log);
    await voyage.readTip();
  };
  const timers = [
    every(TICK_MS, () => voyage.tick(), log),
    every(TICK_MS, () => waker.look(), log),
    every(LOOK_MS, () => notices.look(), log),
    every(LOOK_MS, async () => void (await captaincy.look()), log),
    every(READ_TIP_MS, readTip, log),
    every(TIDY_MS, async () => void ((await tidyRepo(folder)) && log("tidied", { voyage: id })), log),
  ];
  const unguard = guardMirrors({
    voyage: id,
    ships: () => ledger.ships().map(({ ship }) => ship),
    mirror: folder.mirror,
    log,
  });
  const close = () => {
    unguard();
    waker.close();
    notices.close();
    for (const stop of timers) stop();
    ledger.close();
    lock.release();
  };
  log("voyage-opened", { voyage: id, stack });
  return { voyage, notices, folder, close };
}

/**
 * Removes locks of git commands that were killed, or cut off with the power: with a lock on it the branch could never
 * be moved again.
 */
async function removeLocks(id: string, folder: VoyageFolder, refs: "all" | "heads", log: Log): Promise<void> {
  for (const gitDir of [folder.repo, join(folder.workspace, ".git")]) {
    const { removed } = await removeStaleLocks(gitDir, { refs });
    if (removed.length > 0) log("locks-removed", { voyage: id, removed });
  }
}

async function providerOf(folder: VoyageFolder, stack: string): Promise<ProviderSettings> {
  const provider = await readVoyageProvider(folder);
  if (provider) return provider;
  throw new OcaptainError("NO_PROVIDER", `the provider's address and token are not in ${folder.credentials}`, {
    hint: `pulumi up -s ${stack}`,
  });
}

/** Runs `job` again and again, never twice at one time. A failure is logged. Returns what ends it. */
function every(periodMs: number, job: () => void | Promise<void>, log: Log): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const turn = async () => {
    try {
      await job();
    } catch (error) {
      if (!stopped) log("tick-failed", { error: String(error) });
    }
    if (!stopped) timer = setTimeout(turn, periodMs);
  };
  timer = setTimeout(turn, periodMs);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
