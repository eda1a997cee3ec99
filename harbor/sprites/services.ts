import { join } from "node:path";
import type { Vm } from "../vm/vm.ts";
import type { HarborClock } from "./clock.ts";
import { Service, type ServiceDefinition, type StoredService } from "./service.ts";
import { ServiceLog } from "./service-log.ts";
import type { ExecSession } from "./sessions.ts";

type Owner = {
  /** The sprite's folder, in which `logs/services/` has the logs. */
  folder: string;
  clock: HarborClock;
  /** Keeps the definitions over the harbor's restarts. */
  save(all: StoredService[]): void;
  /** Runs this when no change of state is under way, if the ship is awake then. */
  whenAwake(step: (vm: Vm) => Promise<void>): void;
};

/** Most services of one ship. The bound is ours, as the vendor's is not known. */
const MOST_SERVICES = 64;

/** The services of one ship. They run while it does, begin again after a cold start, and keep no ship awake. */
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

  /** Why a definition is refused, in the vendor's status and words; undefined when it is good. */
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

  /** Defines a service. One that runs goes on as it was defined before, until it is stopped and started. */
  put(name: string, definition: ServiceDefinition): Service {
    const found = this.all.get(name);
    const service = found ?? this.add({ name, definition, wanted: false });
    service.stored.definition = definition;
    this.save();
    return service;
  }

  /** These services and all that they need, each once and after what it needs itself; a circle is walked once round. */
  private needed(names: readonly string[], seen = new Set<string>()): string[] {
    return names.flatMap((name) => {
      if (seen.has(name)) return [];
      seen.add(name);
      return [...this.needed(this.all.get(name)?.stored.definition.needs ?? [], seen), name];
    });
  }

  /** Starts what the service needs, and then the service. */
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

  /** Deletes a service. @returns why not, when it is up or needed */
  delete(service: Service): string | undefined {
    if (service.isActive) return `service "${service.name}" is running`;
    const needing = this.list().find(({ stored }) => stored.definition.needs?.includes(service.name));
    if (needing) return `service "${needing.name}" needs it`;
    this.all.delete(service.name);
    service.log.remove();
    this.save();
    return undefined;
  }

  /** Starts what is to run, after the ship was started. */
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
