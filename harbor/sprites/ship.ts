import type { Server } from "node:http";
import { join } from "node:path";
import { startConfined } from "../vm/confinement.ts";
import type { ShipsLimits } from "../vm/ship-limits.ts";
import type { ShipNet } from "../vm/ship-net.ts";
import { addSshEntry, removeSshEntry } from "../vm/ssh-entries.ts";
import { startUnconfined } from "../vm/unconfined.ts";
import type { ShipLink, Vm } from "../vm/vm.ts";
import type { Account } from "./account.ts";
import { type HarborClock, pause } from "./clock.ts";
import { Holds } from "./holds.ts";
import type { Latency } from "./latency.ts";
import { NetworkPolicy } from "./network-policy.ts";
import { removeFolder } from "./remove-folder.ts";
import { Services } from "./services.ts";
import { type ExecCommand, type ExecSession, startSession } from "./sessions.ts";
import { forgetRecord, type SpriteRecord, spriteFolder, writeRecord } from "./sprite-records.ts";

export type ShipSettings = {
  home: string;
  clock: HarborClock;
  latency: Latency;
  account: Account;
  limits: ShipsLimits;
  /** Idle time after which a ship is frozen, in milliseconds; 30 s at the vendor. */
  idleMs: number;
  /** Time frozen after which its processes are gone, in milliseconds; the vendor documents none. */
  coldMs: number;
  event(text: string): void;
  /** Whether new ships are not confined. */
  unconfined: boolean;
  /** Whether new ships have networks of their own. */
  isolated: boolean;
  /** Gives networks to the ships that have one in their record. */
  net: ShipNet | undefined;
  /** Starts the API that a ship sees as `/.sprite/api.sock`, at this unix socket. */
  serveShip(holds: Holds, socket: string): Promise<Server>;
};

export type Status = "cold" | "warm" | "running";

/**
 * One sprite of the harbor, and its life: it is cold until the first runtime call, then running; warm, which is frozen,
 * after {@link ShipSettings.idleMs} without activity; and cold after {@link ShipSettings.coldMs} more. Activity is a
 * call in flight, a connected exec whose command runs, or a live hold, and nothing else: no tmux, no detached session,
 * no traffic. Changes of state happen one after another. docs/harbor.md#asleep-and-awake has the table.
 */
export class HarborShip {
  readonly record: SpriteRecord;
  readonly folder: string;
  readonly holds: Holds;
  readonly services: Services;
  readonly policy: NetworkPolicy;
  readonly sessions = new Map<string, ExecSession>();
  /** Functions that each cut a connection from outside; every pause calls them. */
  readonly connections = new Set<() => void>();
  removed = false;
  private readonly settings: ShipSettings;
  private vm: Vm | undefined;
  private api: Server | undefined;
  private frozen = false;
  private activities = 0;
  private idleSinceMs: number;
  private last: Promise<unknown> = Promise.resolve();
  private cancelTimer = () => {};

  constructor(record: SpriteRecord, settings: ShipSettings) {
    this.record = record;
    this.settings = settings;
    this.folder = spriteFolder(settings.home, record.id);
    this.idleSinceMs = settings.clock.now();
    this.holds = new Holds(settings.clock, () => this.rest());
    this.services = new Services(record.services ?? [], {
      folder: this.folder,
      clock: settings.clock,
      save: (services) => this.remember({ services }),
      whenAwake: (step) => void this.whenAwake(step),
    });
    this.policy = new NetworkPolicy(record.networkRules ?? [], join(this.folder, "policy"), (networkRules) =>
      this.remember({ networkRules }),
    );
  }

  get status(): Status {
    if (!this.vm) return "cold";
    return this.frozen ? "warm" : "running";
  }

  /** The ship's address on a network of its own; undefined without one. */
  get address(): string | undefined {
    const { host } = this.record;
    return host === undefined ? undefined : this.settings.net?.addressOf(host);
  }

  /** Keeps the ship awake until the returned function is called; wakes nothing by itself. */
  keepAwake(): () => void {
    this.activities++;
    let kept = true;
    return () => {
      if (!kept) return;
      kept = false;
      this.activities--;
      this.rest();
    };
  }

  /** Lets the time without activity begin anew. */
  touch(): void {
    this.keepAwake()();
  }

  /** Runs `work` with the ship awake, waking it first. */
  async awake<T>(work: (vm: Vm) => Promise<T>): Promise<T> {
    const release = this.keepAwake();
    try {
      return await work(await this.wake());
    } finally {
      release();
    }
  }

  /**
   * Wakes the ship, or finds it awake.
   * @throws TooManyRun; and when it was removed meanwhile, or cannot be started
   */
  wake(): Promise<Vm> {
    return this.oneByOne(async () => {
      if (this.removed) throw new Error(`sprite "${this.record.name}" was deleted`);
      if (this.vm && !this.frozen) return this.vm;
      this.settings.account.wakes(this);
      return this.rouse().catch((error: unknown) => {
        if (this.status !== "running") this.settings.account.sleeps(this);
        throw error;
      });
    });
  }

  private async rouse(): Promise<Vm> {
    const { clock, latency, home } = this.settings;
    this.record.lastWarmingAt = new Date(clock.now()).toISOString();
    const fresh = this.record.lastRunningAt === null;
    await pause(clock, this.frozen ? latency.wakeWarmMs : fresh ? latency.wakeFreshMs : latency.wakeColdMs);
    const warm = this.vm && this.frozen ? this.vm : undefined;
    const vm = warm ? await this.thaw(warm) : await this.start();
    addSshEntry(home, this.record.name, vm);
    await (warm ? this.services.restartDue(vm) : this.services.begin(vm));
    this.record.lastRunningAt = new Date(clock.now()).toISOString();
    writeRecord(home, this.record);
    this.settings.event(`${this.record.name} is awake`);
    this.rest();
    return vm;
  }

  private async start(): Promise<Vm> {
    const socket = join(this.folder, "api.sock");
    this.api = await this.settings.serveShip(this.holds, socket);
    this.policy.write();
    try {
      const start = this.record.unconfined ? startUnconfined : startConfined;
      const limits = this.settings.limits.of(this.record.id);
      const vm = await start({ name: this.record.name, folder: this.folder, link: this.link(), limits });
      this.vm = vm;
      void vm.ended.then(() => this.lost(vm));
      return vm;
    } catch (error) {
      this.api.close();
      throw error;
    }
  }

  private link(): ShipLink | undefined {
    const { host } = this.record;
    const { net } = this.settings;
    if (host === undefined) return undefined;
    if (!net) throw new Error(`${this.record.name} has a network of its own, which this harbor cannot give it: it is not root`);
    return net.linkOf(host);
  }

  private async thaw(vm: Vm): Promise<Vm> {
    await vm.thaw();
    this.continueOutside();
    this.frozen = false;
    return vm;
  }

  private continueOutside(): void {
    for (const session of this.started()) session.continueOutside();
  }

  private started(): ExecSession[] {
    return [...this.sessions.values(), ...this.services.sessions()];
  }

  /** Starts a command; the session is listed until it ends. */
  async exec(vm: Vm, command: ExecCommand): Promise<ExecSession> {
    const session = await startSession(vm, command, this.settings.clock.now());
    this.sessions.set(session.id, session);
    void session.exited.then(() => this.sessions.delete(session.id));
    return session;
  }

  /** Puts the ship to sleep at once, whatever keeps it awake. */
  sleep(to: "warm" | "cold"): Promise<void> {
    return this.oneByOne(async () => {
      if (to === "warm" && this.vm && !this.frozen) await this.freeze(this.vm);
      if (to === "cold" && this.vm) await this.stop();
    });
  }

  /** Ends the ship's processes and removes its files. Quiet when called twice. */
  remove(): Promise<void> {
    this.removed = true;
    return this.oneByOne(async () => {
      forgetRecord(this.settings.home, this.record.id);
      if (this.vm) await this.stop();
      await removeFolder(this.folder);
      this.settings.event(`${this.record.name} is deleted`);
    });
  }

  /** Sets the timer for the next state, if nothing keeps the ship in this one. */
  private rest(): void {
    const { clock, idleMs, coldMs } = this.settings;
    this.cancelTimer();
    this.cancelTimer = () => {};
    if (!this.vm || this.removed) return;
    this.idleSinceMs = clock.now();
    if (this.frozen) this.cancelTimer = clock.after(coldMs, () => void this.fallCold());
    else if (this.activities === 0)
      this.cancelTimer = clock.after(
        Math.max(idleMs, this.holds.lastExpiryMs() + idleMs - clock.now()),
        () => void this.fallAsleep(),
      );
  }

  private fallAsleep(): Promise<void> {
    return this.oneByOne(async () => {
      const busy = this.activities > 0 || this.holds.live().length > 0;
      if (!this.vm || this.frozen || busy || this.settings.clock.now() - this.idleSinceMs < this.settings.idleMs) return;
      await this.freeze(this.vm);
    }).catch((error: Error) => {
      this.settings.event(`${this.record.name} could not be frozen: ${error.message}`);
      this.rest();
    });
  }

  private async freeze(vm: Vm): Promise<void> {
    removeSshEntry(this.settings.home, this.record.name, vm);
    for (const cut of this.connections) cut();
    try {
      await vm.freeze();
    } catch (error) {
      if (this.vm === vm) addSshEntry(this.settings.home, this.record.name, vm);
      throw error;
    }
    this.frozen = true;
    this.settings.account.sleeps(this);
    this.settings.event(`${this.record.name} is frozen`);
    this.rest();
  }

  private fallCold(): Promise<void> {
    return this.oneByOne(async () => {
      if (this.vm && this.frozen) await this.stop();
    }).catch((error: Error) => this.settings.event(`${this.record.name} could not be stopped: ${error.message}`));
  }

  private async stop(): Promise<void> {
    const vm = this.vm;
    if (!vm) return;
    const started = this.started();
    await vm.end(() => this.continueOutside());
    await Promise.all(started.map((session) => session.exited));
    this.lost(vm);
  }

  /** Makes the ship cold, because its processes are gone, whether they were ended or ended by themselves. */
  private lost(vm: Vm): void {
    if (this.vm !== vm) return;
    this.cancelTimer();
    this.vm = undefined;
    this.frozen = false;
    this.settings.account.sleeps(this);
    this.holds.clear();
    this.services.lost();
    this.api?.closeAllConnections();
    this.api?.close();
    removeSshEntry(this.settings.home, this.record.name, vm);
    this.settings.event(`${this.record.name} is cold`);
  }

  private whenAwake(step: (vm: Vm) => Promise<void>): Promise<void> {
    return this.oneByOne(async () => {
      if (this.vm && !this.frozen) await step(this.vm);
    }).catch((error: Error) => this.settings.event(`${this.record.name}: ${error.message}`));
  }

  private remember(change: Partial<SpriteRecord>): void {
    Object.assign(this.record, change);
    if (!this.removed) writeRecord(this.settings.home, this.record);
  }

  /** Resolves when no change of state is under way. */
  settled(): Promise<unknown> {
    return this.last;
  }

  private oneByOne<T>(step: () => Promise<T>): Promise<T> {
    const next = this.last.then(step);
    this.last = next.catch(() => {});
    return next;
  }
}
