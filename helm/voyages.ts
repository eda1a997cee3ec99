import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../lib/base/atomic-file.ts";
import { OcaptainError } from "../lib/base/errors.ts";
import { VOYAGE_ID } from "../lib/base/naming.ts";
import { voyageFolderAt } from "../lib/base/paths.ts";
import { forgetHelmPort } from "../lib/daemons/helm-port.ts";
import { keepTargets } from "../lib/notices/kept-targets.ts";
import type { PlanChanges, RegisterVoyage } from "../lib/protocol/admin-api.ts";
import { helmRegistryFile, isOtherFolderOf } from "../lib/voyage/whereabouts.ts";
import { letGo } from "./captaincy.ts";
import type { Listeners } from "./listeners.ts";
import type { Log } from "./log.ts";
import { type OpenVoyage, openVoyage } from "./open-voyage.ts";

/**
 * Where each voyage is; everything else is in its folder. `listenAt`: an address besides loopback at which its ships
 * call.
 */
const Registry = z.record(
  z.string().regex(VOYAGE_ID),
  z.object({ stack: z.string(), folder: z.string(), listenAt: z.string().optional() }),
);
type Registry = z.infer<typeof Registry>;

/** All voyages of this helm: those that are registered, opened at the start. */
export class Voyages {
  readonly #log: Log;
  readonly #listeners: Listeners;
  readonly #open = new Map<string, OpenVoyage>();
  readonly #opening = new Map<string, Promise<OpenVoyage>>();
  readonly #file = helmRegistryFile();
  #registry: Registry = {};
  /** False while the helm starts and ends: ships are told 503. */
  isReady = false;
  /** Where the page is served now, which notices tell; null while it is not. */
  pageAt: () => string | null = () => null;

  constructor(log: Log, listeners: Listeners) {
    this.#log = log;
    this.#listeners = listeners;
  }

  /** Opens all registered voyages. One whose folder is gone, or broken, is left out and logged: the others sail on. */
  async start(): Promise<void> {
    if (existsSync(this.#file)) this.#registry = Registry.parse(JSON.parse(await readFile(this.#file, "utf8")));
    for (const [id, { stack, folder }] of Object.entries(this.#registry)) {
      const opened = this.#sail(id, stack, folder).then(({ voyage }) => voyage.noteStart());
      await opened.catch((error) => this.#log("voyage-not-opened", { voyage: id, error: String(error) }));
    }
    await this.#listen().catch(() => {}); // It is logged, and tried again.
    this.isReady = true;
  }

  get(id: string): OpenVoyage | undefined {
    return this.#open.get(id);
  }
  ids(): string[] {
    return [...this.#open.keys()];
  }

  /** @throws OcaptainError NO_VOYAGE */
  need(id: string): OpenVoyage {
    const open = this.#open.get(id);
    if (!open) throw new OcaptainError("NO_VOYAGE", `voyage ${id} is not registered at the helm`, { hint: "pulumi up" });
    return open;
  }

  /**
   * Registers a voyage with its plan and settings, and opens it. It may be called again.
   * @throws OcaptainError BAD_VOYAGE_ID, NO_REPO, WORK_GONE, LEDGER_GONE, ANOTHER_FOLDER, LEDGER_HELD, BAD_PLAN,
   * NO_LISTENER; GIT when nothing could be accepted
   */
  async register(id: string, ask: RegisterVoyage): Promise<PlanChanges> {
    if (!VOYAGE_ID.test(id))
      throw new OcaptainError("BAD_VOYAGE_ID", `"${id}" is no id of a voyage: an id has 6 digits of 0-9 and a-f`);
    const folder = voyageFolderAt(ask.folder, ask.stack);
    const known = this.#open.get(id);
    const held = known?.folder.root ?? this.#registry[id]?.folder;
    if (held && (await isOtherFolderOf(id, held, folder.root)))
      throw new OcaptainError("ANOTHER_FOLDER", `voyage ${id} sails from its folder ${held}, and not from ${folder.root}`, {
        hint: `export OCAPTAIN_VOYAGES=${dirname(held)}`,
      });
    if (known && known.folder.root !== folder.root) this.#close(id);
    await writeAtomically(folder.credentials, `${JSON.stringify(ask.provider)}\n`, 0o600);
    const { voyage, notices } = await this.#sail(id, ask.stack, ask.folder);
    const changes = await voyage.register(ask);
    if (ask.notify) await notices.setTargets(await keepTargets(folder.notify, ask.notify));
    await voyage.assertMovable();
    this.#registry[id] = { stack: ask.stack, folder: ask.folder, ...(ask.listenAt && { listenAt: ask.listenAt }) };
    await this.#save();
    await this.#listen();
    return changes;
  }

  /** Ends a voyage's part in this helm; its ledger stays where it is. Does nothing when the voyage is unknown. */
  async deregister(id: string): Promise<void> {
    const open = this.#open.get(id);
    if (open) {
      await open.voyage.sink();
      await open.notices.end();
      this.#close(id);
      await rm(open.folder.notify, { force: true });
      await rm(open.folder.credentials, { force: true });
    }
    if (!this.#registry[id]) return;
    delete this.#registry[id];
    await this.#save();
    if (Object.keys(this.#registry).length === 0) forgetHelmPort();
    await this.#listen().catch(() => {}); // It is logged, and tried again.
  }

  /** Lets go of a voyage that another captain has taken: nothing more is granted, woken, merged or written for it. */
  async #lose(id: string, to: string): Promise<void> {
    const open = this.#open.get(id);
    if (!open) return;
    this.#log("voyage-taken", { voyage: id, by: to });
    this.#close(id);
    delete this.#registry[id];
    await this.#save();
    await letGo(id, open.folder, to, this.#log);
    await this.#listen().catch(() => {}); // It is logged, and tried again.
  }

  /** Closes all voyages, as the helm ends. */
  end(): void {
    this.isReady = false;
    for (const id of this.ids()) this.#close(id);
  }

  /** Opens a voyage, or finds it open. */
  #sail(id: string, stack: string, root: string): Promise<OpenVoyage> {
    const known = this.#open.get(id);
    if (known) return Promise.resolve(known);
    const opening = this.#opening.get(id) ?? this.#load(id, stack, root).finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    return opening;
  }

  async #load(id: string, stack: string, root: string): Promise<OpenVoyage> {
    const lose = (to: string) => this.#lose(id, to);
    const open = await openVoyage(id, stack, root, this.#log, { pageAt: () => this.pageAt(), lose });
    this.#open.set(id, open);
    return open;
  }

  /** Listens at the addresses of all voyages, and no others. */
  #listen(): Promise<void> {
    const addresses = Object.values(this.#registry).flatMap(({ listenAt }) => listenAt ?? []);
    return this.#listeners.keep([...new Set(addresses)]);
  }

  #close(id: string): void {
    this.#open.get(id)?.close();
    this.#open.delete(id);
  }

  async #save(): Promise<void> {
    await writeAtomically(this.#file, `${JSON.stringify(this.#registry, null, 2)}\n`, 0o600);
  }
}
