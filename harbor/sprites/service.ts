import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Vm } from "../vm/vm.ts";
import { type HarborClock, pause } from "./clock.ts";
import type { ServiceLog } from "./service-log.ts";
import { type ExecSession, startSession } from "./sessions.ts";

/** Longest definition: all definitions of a ship are written at each change. */
const MOST_CHARACTERS = 64 * 1024;
/**
 * How much of a service's output is read before it has to wait: one that prints without end must not take the harbor
 * from other ships.
 */
const READ_BYTES = 1024 * 1024;
const READ_AGAIN_MS = 100;

/** The body of a PUT. `cmd` is the path of an executable, without arguments. */
export const ServiceDefinition = z
  .object({
    cmd: z.string().min(1),
    args: z.array(z.string()).nullish(),
    env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).nullish(),
    dir: z.string().optional(),
    needs: z.array(z.string()).nullish(),
    http_port: z.number().int().min(1).max(65_535).optional(),
  })
  .refine((definition) => JSON.stringify(definition).length <= MOST_CHARACTERS, `is longer than ${MOST_CHARACTERS} characters`);
export type ServiceDefinition = z.infer<typeof ServiceDefinition>;

/** A service as the harbor keeps it over its restarts. `wanted`: it is to run whenever the ship does. */
export type StoredService = { name: string; definition: ServiceDefinition; wanted: boolean };

/**
 * Waits before a restart, doubled each time. The vendor documents that there is a back-off (`next_restart_at`), and not
 * its times.
 */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** A service that ran for this long begins with the first wait again. */
const STEADY_MS = 30_000;
const KILLED_MS = 5_000;

/** One service of a ship: a command that is started again when it ends, until it is stopped. */
export class Service {
  readonly stored: StoredService;
  readonly log: ServiceLog;
  private readonly clock: HarborClock;
  private readonly due: () => void;
  private session: ExecSession | undefined;
  private starting: Promise<void> | undefined;
  private stopping = false;
  private startedMs = 0;
  private waitMs = FIRST_WAIT_MS;
  private nextMs: number | undefined;
  private restarts = 0;
  private error: string | undefined;
  private cancelTimer = () => {};

  /**
   * @param parts.due  called when it is time to start it again, which {@link restartIfDue} does once the ship is awake
   */
  constructor(stored: StoredService, parts: { clock: HarborClock; log: ServiceLog; due: () => void }) {
    this.stored = stored;
    this.clock = parts.clock;
    this.log = parts.log;
    this.due = parts.due;
  }

  get name(): string {
    return this.stored.name;
  }

  /** Runs, or is being started. */
  get isUp(): boolean {
    return this.session !== undefined || this.starting !== undefined;
  }

  /** Is up, or waits to be started again. */
  get isActive(): boolean {
    return this.isUp || this.nextMs !== undefined;
  }

  view(): Record<string, unknown> {
    const { definition, name } = this.stored;
    const { args, needs, ...rest } = definition;
    return { name, ...rest, args: args ?? [], needs: needs ?? [], state: this.state() };
  }

  private state(): Record<string, unknown> {
    const status = () => {
      if (this.session) return this.stopping ? "stopping" : "running";
      if (this.starting) return "starting";
      return this.nextMs === undefined ? "stopped" : "failed";
    };
    return {
      name: this.name,
      status: status(),
      ...(this.session && { pid: Number(this.session.id), started_at: new Date(this.startedMs).toISOString() }),
      ...(this.error !== undefined && { error: this.error }),
      restart_count: this.restarts,
      ...(this.nextMs !== undefined && { next_restart_at: new Date(this.nextMs).toISOString() }),
    };
  }

  /**
   * Starts the command; does nothing when it is up. A command that cannot be started is one that exits with 126 or 127.
   */
  start(vm: Vm): Promise<void> {
    this.stored.wanted = true;
    this.error = undefined;
    return this.launch(vm);
  }

  private async launch(vm: Vm): Promise<void> {
    if (this.session) return;
    this.starting ??= this.spawn(vm).finally(() => {
      this.starting = undefined;
    });
    await this.starting;
  }

  private async spawn(vm: Vm): Promise<void> {
    this.cancelTimer();
    this.nextMs = undefined;
    const { cmd, args, env, dir } = this.stored.definition;
    const session = await startSession(vm, { argv: [cmd, ...(args ?? [])], env: env ?? {}, dir }, this.clock.now());
    this.session = session;
    this.startedMs = this.clock.now();
    this.log.tell({ type: "started" });
    session.endInput();
    let read = 0;
    session.listen(({ stream, data }) => {
      this.log.write(stream, data.toString("utf8"));
      read += data.length;
      if (read < READ_BYTES) return;
      read = 0;
      session.pause();
      setTimeout(() => session.resume(), READ_AGAIN_MS).unref();
    });
    void session.exited.then((code) => this.exited(session, code));
  }

  private exited(session: ExecSession, code: number): void {
    if (this.session !== session) return;
    this.session = undefined;
    this.log.flush();
    this.log.tell({ type: "exit", exit_code: code });
    if (this.stopping || !this.stored.wanted) return;
    const now = this.clock.now();
    if (now - this.startedMs >= STEADY_MS) this.waitMs = FIRST_WAIT_MS;
    this.error = `exit status ${code}`;
    this.nextMs = now + this.waitMs;
    this.cancelTimer = this.clock.after(this.waitMs, this.due);
    this.waitMs = Math.min(this.waitMs * 2, LONGEST_WAIT_MS);
  }

  /**
   * Starts the service again when its wait is over. While a ship is frozen nothing is started: what fell due meanwhile
   * starts when it is awake.
   */
  async restartIfDue(vm: Vm): Promise<void> {
    if (this.nextMs === undefined || this.nextMs > this.clock.now()) return;
    this.restarts++;
    await this.launch(vm);
  }

  /**
   * Stops the command by SIGTERM, and by SIGKILL after the timeout. It stays stopped until it is started.
   * @throws when it does not end
   */
  async stop(timeoutMs: number): Promise<void> {
    this.stored.wanted = false;
    this.cancelTimer();
    this.nextMs = undefined;
    this.error = undefined;
    await this.starting;
    const session = this.session;
    if (!session) return;
    this.stopping = true;
    this.log.tell({ type: "stopping" });
    try {
      session.signal("SIGTERM");
      const late = pause(this.clock, timeoutMs).then(() => "late" as const);
      if ((await Promise.race([session.exited, late])) === "late") {
        session.signal("SIGKILL");
        if ((await Promise.race([session.exited, delay(KILLED_MS, "late" as const, { ref: false })])) === "late")
          throw new Error(`service ${this.name} did not end`);
      }
      this.log.tell({ type: "stopped" });
    } finally {
      this.stopping = false;
    }
  }

  /** Sends a signal to the command. @returns false when it does not run */
  signal(name: NodeJS.Signals): boolean {
    this.session?.signal(name);
    return this.session !== undefined;
  }

  /**
   * The session of the command that runs: a thaw must continue its process outside, and the end of the ship waits for
   * it.
   */
  running(): ExecSession | undefined {
    return this.session;
  }

  /** Forgets the command, because the ship is cold. It counts as never started when the ship wakes. */
  lost(): void {
    this.cancelTimer();
    this.log.flush();
    this.session = undefined;
    this.nextMs = undefined;
    this.error = undefined;
    this.restarts = 0;
    this.waitMs = FIRST_WAIT_MS;
  }
}
