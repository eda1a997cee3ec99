import { join } from "node:path";
import type { Vm } from "../vm/vm.ts";
import type { HarborClock } from "./clock.ts";
import { Service, type ServiceDefinition, type StoredService } from "./service.ts";
import { ServiceLog } from "./service-log.ts";
import type { ExecSession } from "./sessions.ts";

type Owner = {
  /** The sprite's folder; logs go to `logs/services/` in it. */
  folder: string;
  clock: HarborClock;
  /** Keeps the definitions over the harbor's restarts. */
  save(all: StoredService[]): void;
  /** Runs this when no change of state is under way, if the ship is awake then. */
  whenAwake(step: (vm: Vm) => Promise<void>): void;
};

/** The vendor's bound is not known; whoever is in the ship makes them. */
const MOST_SERVICES = 64;

/** The services of one ship (facts: sprites §6). They run while it does, begin again after a cold start, and hold nobody awake. */
export class Services {
  private readonly all = new Map<string, Service>();
  private readonly owner: Owner;

  constructor(stored: StoredService[], owner: Owner) {
    this.owner = owner;
    for (const service of stored) this.add(service);
  }

  list(): Service[] {
    return [...this.all.values()];
  }

  get(name: string): Service | undefined {
    return this.all.get(name);
  }

  /** Why this may not be: the vendor's status, and words. */
  problem(name: string, { needs, http_port }: ServiceDefinition): { status: number; error: string } | undefined {
    if (!this.all.has(name) && this.all.size >= MOST_SERVICES)
      return { status: 400, error: `a sprite has at most ${MOST_SERVICES} services` };
    const unknown = needs?.find((need) => need !== name && !this.all.has(need));
    if (unknown) return { status: 400, error: `needs unknown service "${unknown}"` };
    if (this.needed(needs ?? []).includes(name)) return { status: 400, error: `service "${name}" would need itself` };
    const taken = this.list().find((other) => other.name !== name && other.stored.definition.http_port);
    if (http_port && taken) return { status: 409, error: `service "${taken.name}" has http_port already` };
    return undefined;
  }

  /** What runs goes on as it was defined before, until it is stopped (facts: sprites §6: stop, PUT, start). */
  put(name: string, definition: ServiceDefinition): Service {
    const found = this.all.get(name);
    const service = found ?? this.add({ name, definition, wanted: false });
    service.stored.definition = definition;
    this.save();
    return service;
  }

  /** These, and all that they need, each once, and after what it needs itself; a circle is walked once round. */
  private needed(names: readonly string[], seen = new Set<string>()): string[] {
    return names.flatMap((name) => {
      if (seen.has(name)) return [];
      seen.add(name);
      return [...this.needed(this.all.get(name)?.stored.definition.needs ?? [], seen), name];
    });
  }

  /** What it needs first. */
  async start(service: Service, vm: Vm): Promise<void> {
    for (const name of this.needed([service.name])) {
      const needed = this.all.get(name);
      const known = needed?.stored.wanted;
      await needed?.start(vm);
      if (!known) this.save();
    }
  }

  async stop(service: Service, timeoutMs: number): Promise<void> {
    const stopped = service.stop(timeoutMs);
    this.save();
    await stopped;
  }

  /** @returns why not: it is up, or needed */
  delete(service: Service): string | undefined {
    if (service.isActive) return `service "${service.name}" is running`;
    const needing = this.list().find(({ stored }) => stored.definition.needs?.includes(service.name));
    if (needing) return `service "${needing.name}" needs it`;
    this.all.delete(service.name);
    service.log.remove();
    this.save();
    return undefined;
  }

  /** The ship was started: those that are to run do. */
  async begin(vm: Vm): Promise<void> {
    for (const service of this.list()) if (service.stored.wanted) await this.start(service, vm);
  }

  async restartDue(vm: Vm): Promise<void> {
    for (const service of this.list()) await service.restartIfDue(vm);
  }

  sessions(): ExecSession[] {
    return this.list().flatMap((service) => service.running() ?? []);
  }

  lost(): void {
    for (const service of this.list()) service.lost();
  }

  private add(stored: StoredService): Service {
    const { clock, folder, whenAwake } = this.owner;
    const service = new Service(stored, {
      clock,
      log: new ServiceLog(join(folder, "logs", "services", `${stored.name}.log`), clock.now),
      due: () => whenAwake((vm) => service.restartIfDue(vm)),
    });
    this.all.set(stored.name, service);
    return service;
  }

  private save(): void {
    this.owner.save(this.list().map(({ stored }) => stored));
  }
}
