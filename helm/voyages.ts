import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../lib/base/atomic-file.ts";
import { OcaptainError } from "../lib/base/errors.ts";
import { VOYAGE_ID } from "../lib/base/naming.ts";
import type { OsLock } from "../lib/base/os-lock.ts";
import { type VoyageFolder, voyageFolderAt } from "../lib/base/paths.ts";
import { forgetHelmPort } from "../lib/daemons/helm-port.ts";
import { removeStaleLocks } from "../lib/git/stale-locks.ts";
import type { PlanChanges, RegisterVoyage } from "../lib/protocol/admin-api.ts";
import { openSprites } from "../lib/sprites/client.ts";
import type { ProviderSettings } from "../lib/sprites/types.ts";
import { readVoyageProvider } from "../lib/voyage/provider.ts";
import { helmRegistryFile, isOtherFolderOf } from "../lib/voyage/whereabouts.ts";
import { systemClock } from "./clock.ts";
import { Ledger } from "./ledger/ledger.ts";
import { holdLedger } from "./ledger/lock.ts";
import { Store } from "./ledger/store.ts";
import type { Doors } from "./listeners.ts";
import type { Log } from "./log.ts";
import { openBranch } from "./repository/branch.ts";
import { assertLedger, assertWhole } from "./repository/ledger-check.ts";
import { tidyRepo } from "./repository/tidy.ts";
import { guardMirrors } from "./voyage/mirrors.ts";
import { Projection } from "./voyage/task-files.ts";
import { Voyage } from "./voyage/voyage.ts";
import { Waker } from "./voyage/wake.ts";

/** Where each voyage is; all else is in its folder. */
const Registry = z.record(
  z.string().regex(VOYAGE_ID),
  z.object({ stack: z.string(), folder: z.string(), listenAt: z.string().optional() }),
);
type Registry = z.infer<typeof Registry>;

export type Sailing = { voyage: Voyage; folder: VoyageFolder; close: () => void };

const TICK_MS = 500;
const READ_TIP_MS = 10_000;
const TIDY_MS = 15 * 60_000;

/** All voyages of this helm: opened at the start, kept ticking. */
export class Fleet {
  declare readonly folderType: VoyageFolder;
  readonly #log: Log;
  readonly #doors: Doors;
  readonly #sailing = new Map<string, Sailing>();
  readonly #opening = new Map<string, Promise<Sailing>>();
  readonly #file = helmRegistryFile();
  #registry: Registry = {};
  /** False while the helm starts and ends: ships are told 503. */
  open = false;

  constructor(log: Log, doors: Doors) {
    this.#log = log;
    this.#doors = doors;
  }

  /** Opens all registered voyages. One whose folder is gone, or broken, is left out and logged: the others sail on. */
  async start(): Promise<void> {
    if (existsSync(this.#file)) this.#registry = Registry.parse(JSON.parse(await readFile(this.#file, "utf8")));
    for (const [id, { stack, folder }] of Object.entries(this.#registry)) {
      await this.#sail(id, stack, folder).catch((error) => this.#log("voyage-not-opened", { voyage: id, error: String(error) }));
    }
    await this.#keepDoors().catch(() => {}); // logged, and tried again
    this.open = true;
  }

  get(id: string): Sailing | undefined {
    return this.#sailing.get(id);
  }
  ids(): string[] {
    return [...this.#sailing.keys()];
  }

  /** Throws NO_VOYAGE. */
  need(id: string): Sailing {
    const sailing = this.#sailing.get(id);
    if (!sailing) throw new OcaptainError("NO_VOYAGE", `voyage ${id} is not registered`, { hint: "pulumi up" });
    return sailing;
  }

  /** Idempotent. Throws NO_REPO, WORK_GONE, LEDGER_GONE, ANOTHER_FOLDER, LEDGER_HELD, BAD_PLAN, NO_DOOR; GIT when nothing could be accepted. */
  async register(id: string, ask: RegisterVoyage): Promise<PlanChanges> {
    if (!VOYAGE_ID.test(id)) throw new OcaptainError("BAD_VOYAGE_ID", `"${id}" is no voyage id: 6 lower-case hex digits`);
    const folder = voyageFolderAt(ask.folder, ask.stack);
    const known = this.#sailing.get(id);
    const held = known?.folder.root ?? this.#registry[id]?.folder;
    if (held && (await isOtherFolderOf(id, held, folder.root)))
      throw new OcaptainError("ANOTHER_FOLDER", `voyage ${id} sails from its folder ${held}, and not from ${folder.root}`, {
        hint: `export OCAPTAIN_VOYAGES=${dirname(held)}`,
      });
    if (known && known.folder.root !== folder.root) this.#close(id);
    await writeAtomically(folder.credentials, `${JSON.stringify(ask.provider)}\n`, 0o600);
    const { voyage } = await this.#sail(id, ask.stack, ask.folder);
    const changes = await voyage.register(ask);
    await voyage.assertMovable();
    this.#registry[id] = { stack: ask.stack, folder: ask.folder, ...(ask.listenAt && { listenAt: ask.listenAt }) };
    await this.#save();
    await this.#keepDoors();
    return changes;
  }

  /** Ends a voyage's part in this helm; its ledger stays where it is. Quiet when it is unknown. */
  async deregister(id: string): Promise<void> {
    const sailing = this.#sailing.get(id);
    if (sailing) {
      await sailing.voyage.sink();
      this.#close(id);
      await rm(sailing.folder.credentials, { force: true });
    }
    if (!this.#registry[id]) return;
    delete this.#registry[id];
    await this.#save();
    if (Object.keys(this.#registry).length === 0) forgetHelmPort();
    await this.#keepDoors().catch(() => {});
  }

  end(): void {
    this.open = false;
    for (const id of this.ids()) this.#close(id);
  }

  #sail(id: string, stack: string, root: string): Promise<Sailing> {
    const known = this.#sailing.get(id);
    if (known) return Promise.resolve(known);
    const opening = this.#opening.get(id) ?? this.#load(id, stack, root).finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    return opening;
  }

  async #load(id: string, stack: string, root: string): Promise<Sailing> {
    const folder = voyageFolderAt(root, stack);
    if (!existsSync(folder.repo)) throw new OcaptainError("NO_REPO", `${folder.repo} is not there`, { hint: "pulumi up" });
    const lock = await holdLedger(folder);
    try {
      await assertLedger(folder, { id, stack });
      return await this.#open(id, stack, folder, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async #open(id: string, stack: string, folder: VoyageFolder, lock: OsLock): Promise<Sailing> {
    const ledger = new Ledger(new Store(folder.ledger), () => systemClock.wallMs());
    const projection = new Projection(folder.tasks, ledger, this.#log);
    const parts = { id, ledger, branch: openBranch(folder, stack, id), clock: systemClock, log: this.#log };
    const voyage = new Voyage({ ...parts, show: (...tasks) => projection.show(...tasks) });
    // No git of ours is at work yet but what an earlier helm has left behind.
    await this.#removeLocks(id, folder, "all");
    try {
      await assertWhole(folder, ledger, { id, stack });
      await voyage.open();
    } catch (error) {
      ledger.close();
      throw error;
    }
    await projection.rebuild();
    const waker = new Waker(voyage.context, voyage.crews, async () => openSprites(await providerOf(folder)));
    const timers = [
      every(TICK_MS, () => voyage.tick(), this.#log),
      every(TICK_MS, () => waker.look(), this.#log),
      every(
        READ_TIP_MS,
        async () => {
          await this.#removeLocks(id, folder, "heads");
          await voyage.readTip();
        },
        this.#log,
      ),
      every(TIDY_MS, async () => void ((await tidyRepo(folder)) && this.#log("tidied", { voyage: id })), this.#log),
    ];
    const unguard = guardMirrors({
      voyage: id,
      ships: () => ledger.ships().map(({ ship }) => ship),
      mirror: folder.mirror,
      log: this.#log,
    });
    const close = () => {
      unguard();
      waker.close();
      for (const stop of timers) stop();
      ledger.close();
      lock.release();
    };
    const sailing = { voyage, folder, close };
    this.#sailing.set(id, sailing);
    this.#log("voyage-opened", { voyage: id, stack });
    return sailing;
  }

  /** Of git commands that were killed, or cut off with the power: with a lock on it the branch could never be moved again. */
  async #removeLocks(id: string, folder: VoyageFolder, refs: "all" | "heads"): Promise<void> {
    for (const gitDir of [folder.repo, join(folder.workspace, ".git")]) {
      const { removed } = await removeStaleLocks(gitDir, { refs });
      if (removed.length > 0) this.#log("locks-removed", { voyage: id, removed });
    }
  }

  #keepDoors(): Promise<void> {
    const addresses = Object.values(this.#registry).flatMap(({ listenAt }) => listenAt ?? []);
    return this.#doors.keep([...new Set(addresses)]);
  }

  #close(id: string): void {
    this.#sailing.get(id)?.close();
    this.#sailing.delete(id);
  }

  async #save(): Promise<void> {
    await writeAtomically(this.#file, `${JSON.stringify(this.#registry, null, 2)}\n`, 0o600);
  }
}

async function providerOf(folder: VoyageFolder): Promise<ProviderSettings> {
  const provider = await readVoyageProvider(folder);
  if (!provider) throw new OcaptainError("NO_PROVIDER", `${folder.credentials} is not there`, { hint: "pulumi up" });
  return provider;
}

/** Runs `job` again and again, never twice at one time. A failure is logged. */
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
