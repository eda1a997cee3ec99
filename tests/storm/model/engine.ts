import type * as Host from "../../../dynamic-providers/host.ts";
import type { Settings } from "../../../dynamic-providers/lifecycle.ts";
import type { EngineStep, Moment } from "../history.ts";
import { runCall } from "./effects.ts";
import type { Registered } from "./program.ts";

type Bag = Record<string, unknown> & { stack: string };

/** A resource as the state records it. */
export type Recorded = { name: string; kind: string; dependsOn: string[]; props: Bag };

/** What stands in a preview for an output that is not known yet (dynamic-providers/host.ts). */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What a run of the engine came to: what it said went wrong, or that it was killed. */
export type Outcome = { errors: string[]; killed: boolean };

/** The moment at which a run is killed, and what dies: the engine, or only the process of its providers. */
export type Kill = { at: Moment; what: "engine" | "provider" };

/** The effects of a call within which a kill may fall. A call that has fewer is through before. */
const EFFECTS = 6;

/** The functions by which the engine's provider does its work (dynamic-providers/host.ts). */
export type EngineHost = Pick<typeof Host, "check" | "diff" | "create" | "update" | "read" | "remove">;

/**
 * A model of the engine, by what its real one does (recorded-calls.test.ts): it reads all resources at once, then
 * registers them along their dependencies, several at once, then deletes what is not registered any more. After an
 * error it begins nothing new.
 */
export class Engine {
  state: Recorded[] = [];
  readonly #host: EngineHost;
  readonly #settings: Settings;
  /** The calls of the last run that was not killed, by which a share of the next one becomes a call of it. */
  #usual = 20;
  /** The calls that were made, in their order, for those who compare the order. */
  calls: string[] = [];
  /** Is told before each call which share of the run has passed. */
  onCall: (share: number) => Promise<void> = async () => {};

  constructor(host: EngineHost, settings: Settings) {
    this.#host = host;
    this.#settings = settings;
  }

  async run(what: EngineStep["do"], registered: readonly Registered[], kill: Kill | null = null): Promise<Outcome> {
    const run = new Run(this, kill, Math.max(1, this.#usual));
    const before = this.calls.length;
    await this.#refresh(run, what === "preview");
    if (!run.isOver && (what === "up" || what === "preview")) await this.#register(run, registered, what === "preview");
    const wanted = what === "destroy" ? [] : registered.map(({ name }) => name);
    if (!run.isOver && (what === "up" || what === "destroy")) await this.#delete(run, wanted);
    // A call of a provider that outlives its engine ends before anything else begins: the next one waits at the lock.
    await Promise.all(run.orphans);
    if (!run.killed) this.#usual = this.calls.length - before;
    return { errors: run.errors, killed: run.killed };
  }

  async #refresh(run: Run, isPreview: boolean): Promise<void> {
    const seen = await Promise.all(
      this.state.map(async (one) => {
        const { kind, name, props } = one;
        const read = await run.call("read", name, () => this.#host.read(kind, this.#settings, name, props));
        // It compares what it has read with the inputs of before, and does nothing with what comes of it.
        if (read && "props" in read)
          await run.call("diff", name, () => this.#host.diff(kind, this.#settings, read.props as Bag, props));
        return { one, read };
      }),
    );
    // What a preview reads it forgets. What a run that is killed has read is recorded, one by one.
    if (isPreview) return;
    this.state = seen.flatMap(({ one, read }) => {
      if (!read) return [one];
      return "props" in read ? [{ ...one, props: read.props as Bag }] : [];
    });
  }

  async #register(run: Run, registered: readonly Registered[], isPreview: boolean): Promise<void> {
    const made = new Map<string, Promise<Record<string, unknown> | null>>();
    for (const one of registered) {
      const needed = one.dependsOn.map((name) => made.get(name) ?? Promise.resolve(null));
      made.set(
        one.name,
        Promise.all(needed).then((outputs) => {
          if (run.isOver || outputs.some((output) => output === null)) return null;
          const of = new Map(one.dependsOn.map((name, index) => [name, outputs[index]!]));
          return this.#step(run, one, one.inputs((name) => of.get(name) ?? {}) as Bag, isPreview);
        }),
      );
    }
    await Promise.all(made.values());
  }

  /** Checks, compares, and creates or updates one resource. Resolves to its outputs; null when there are none. */
  async #step(run: Run, one: Registered, news: Bag, isPreview: boolean): Promise<Record<string, unknown> | null> {
    const known = this.state.find(({ name }) => name === one.name);
    const { kind, name } = one;
    const checked = await run.call("check", name, () => this.#host.check(kind, this.#settings, news, known?.props ?? {}));
    if (!checked) return null;
    for (const { property, reason } of checked.failures) run.fail(`${name}: ${property}: ${reason}`);
    if (checked.failures.length > 0) return null;
    if (known) {
      const diff = await run.call("diff", name, () => this.#host.diff(kind, this.#settings, known.props, news));
      if (!diff) return null;
      if (diff.replaces.length > 0) throw new Error(`${name} is to be replaced, which the model does not know`);
      if (!diff.changes) return known.props;
    }
    if (isPreview) return new Proxy(news, { get: (bag, key: string) => bag[key] ?? UNKNOWN });
    const record = (props: Bag) => this.#record({ name, kind, dependsOn: one.dependsOn, props });
    const work = async () =>
      (known
        ? await this.#host.update(kind, this.#settings, known.props, news)
        : await this.#host.create(kind, this.#settings, news)
      ).outs;
    const answer = await run.call(known ? "update" : "create", name, () =>
      work().catch((error: unknown) => {
        const partly = (error as { properties?: Bag }).properties;
        // What is partly made is recorded, and the call has failed all the same.
        if (partly && !run.killed) record(partly);
        throw error;
      }),
    );
    if (answer) record(answer as Bag);
    return answer as Bag | null;
  }

  /** Deletes what is not wanted, each after those that depend on it. */
  async #delete(run: Run, wanted: readonly string[]): Promise<void> {
    const unwanted = this.state.filter(({ name }) => !wanted.includes(name));
    const gone = new Map<string, Promise<boolean>>();
    const begin = (one: Recorded): Promise<boolean> => {
      const under = gone.get(one.name);
      if (under) return under;
      const dependents = unwanted.filter(({ dependsOn }) => dependsOn.includes(one.name)).map(begin);
      const mine = Promise.all(dependents).then((all) => !all.includes(false) && this.#remove(run, one));
      gone.set(one.name, mine);
      return mine;
    };
    await Promise.all(unwanted.map(begin));
  }

  async #remove(run: Run, { name, kind, props }: Recorded): Promise<boolean> {
    const removed = await run.call("delete", name, () => this.#host.remove(kind, this.#settings, props).then(() => true));
    if (removed) this.state = this.state.filter((other) => other.name !== name);
    return removed === true;
  }

  #record(one: Recorded): void {
    const at = this.state.findIndex(({ name }) => name === one.name);
    if (at < 0) this.state.push(one);
    else this.state[at] = one;
  }
}

/** One run, until its end or until it is killed. */
class Run {
  readonly errors: string[] = [];
  readonly orphans: Promise<unknown>[] = [];
  killed = false;
  /** Whether the provider's process has died, which answers no call any more. */
  #isDeaf = false;
  readonly #engine: Engine;
  readonly #kill: Kill | null;
  readonly #usual: number;
  #made = 0;

  constructor(engine: Engine, kill: Kill | null, usual: number) {
    this.#engine = engine;
    this.#kill = kill;
    this.#usual = usual;
  }

  get isOver(): boolean {
    return this.killed || this.errors.length > 0;
  }

  fail(what: string): void {
    this.errors.push(what);
  }

  /** Makes a call. Resolves to null when it failed, when it was not begun, and when its answer reached nobody. */
  async call<T>(what: string, name: string, work: () => Promise<T>): Promise<T | null> {
    if (this.isOver) return null;
    const mine = this.#made++;
    await this.#engine.onCall(mine / this.#usual);
    if (this.isOver) return null;
    const at = this.#kill && this.#kill.at.share * this.#usual;
    const isLast = this.#kill !== null && at !== null && Math.floor(at) === mine;
    this.#engine.calls.push(`${what} ${name}`);
    if (isLast && this.#kill.what === "engine") {
      // The provider's process goes on with what has begun. What has not begun it refuses.
      this.killed = true;
      if (this.#kill.at.part === "after") this.orphans.push(runCall(null, work).catch(() => {}));
      return null;
    }
    const death = isLast ? { effect: Math.floor((at! % 1) * EFFECTS), part: this.#kill.at.part } : null;
    const pending = runCall(death, work);
    this.orphans.push(pending.catch(() => {}));
    try {
      const answer = await pending;
      if (!answer) this.#isDeaf = true;
      if (this.#isDeaf) this.fail(`${name}: the provider's process is gone`);
      return answer && !this.#isDeaf && !this.killed ? answer.answer : null;
    } catch (error) {
      this.fail(`${name}: ${(error as { message?: string }).message}`);
      return null;
    }
  }
}
