import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import * as host from "../../../dynamic-providers/host.ts";
import { shipName } from "../../../lib/base/naming.ts";
import { voyageFolder } from "../../../lib/base/paths.ts";
import { ensureHelm } from "../../../lib/daemons/helm.ts";
import { helmClient } from "../../../lib/daemons/helm-client.ts";
import { keepPlan } from "../../../lib/plan/kept-plan.ts";
import { withDigest } from "../../../lib/plan/sailed-plan.ts";
import { launchCrew } from "../../../lib/ship/crew-launch.ts";
import { readVoyageIdentity } from "../../../lib/voyage/identity.ts";
import { makePlan } from "../../support/helm-voyage.ts";
import { until } from "../../support/until.ts";
import { describeStep, type EngineStep, type History, type Step, type Trouble } from "../history.ts";
import { type Occasion, type Snapshot, type Wanted, whatIsBroken } from "../invariants.ts";
import { Crew, hasSession } from "./crew.ts";
import { Engine, type Kill, type Outcome } from "./engine.ts";
import { type Machine, SECRET, TOKEN } from "./machine.ts";
import { program } from "./program.ts";
import { Provider, type Vm } from "./provider.ts";
import { ourVms, seaNow, snapshotOf } from "./snapshot.ts";
import { cycleAll, type SyncDaemon } from "./sync.ts";

/** The time after which a silent ship is taken for lost. */
const LEASE_SECONDS = 1000;

let sailed = 0;

/**
 * Plays a history. After its last step the weather is calm: an `up` must succeed then, all tasks must be done, and a
 * `destroy` must leave nothing.
 * @throws Error with each thing that is broken, and the step at which it was seen
 */
export async function play(machine: Machine, history: History): Promise<void> {
  const world = new World(machine, history);
  try {
    await world.play();
  } finally {
    await world.close();
  }
}

class World {
  readonly #machine: Machine;
  readonly #history: History;
  readonly #stack = `s${++sailed}`;
  readonly #provider: Provider;
  readonly #engine = new Engine(host, { spritesToken: TOKEN });
  readonly #scratch = mkdtempSync(join(tmpdir(), "ost-"));
  readonly #crews = new Map<string, Crew>();
  readonly #seen: Snapshot[] = [];
  #tasks: Record<string, string[]>;
  #ships: number;
  /** Texts that the captain was shown. */
  #said = "";
  #version = 0;

  constructor(machine: Machine, history: History) {
    this.#machine = machine;
    this.#history = history;
    this.#tasks = { ...history.voyage.tasks };
    this.#ships = history.voyage.ships;
    this.#provider = new Provider(this.#scratch);
    this.#provider.onExec = (vm) => this.#meetCrew(vm);
    this.#provider.onGone = (vm) => this.#crews.get(vm.id)?.die();
    this.#provider.make("theirs-ship-0", ["theirs"]);
    machine.use(this.#provider);
  }

  async play(): Promise<void> {
    for (const [index, step] of this.#history.steps.entries()) await this.#at(`step ${index + 1}, ${describeStep(step)}`, step);
    const calm: Step[] = [
      { do: "relieve" },
      { do: "up", during: [] },
      { do: "work", deliveries: 100 },
      { do: "destroy", during: [] },
    ];
    for (const step of calm) await this.#at(`in the calm at the end, ${describeStep(step)}`, step);
  }

  async close(): Promise<void> {
    for (const crew of this.#crews.values()) crew.die();
    const file = await readVoyageIdentity(this.#stack).catch(() => null);
    if (file) await (await ensureHelm()).deregisterVoyage(file.voyageId);
    rmSync(this.#scratch, { recursive: true, force: true });
    rmSync(voyageFolder(this.#stack).root, { recursive: true, force: true });
  }

  async #at(where: string, step: Step): Promise<void> {
    const broken = await this.#step(step);
    if (broken.length > 0) throw new Error(`${where}:\n  ${broken.join("\n  ")}`);
  }

  /** Plays a step and looks. Returns what is broken. */
  async #step(step: Step): Promise<string[]> {
    switch (step.do) {
      case "up":
      case "preview":
      case "refresh":
      case "destroy":
        return this.#run(step);
      case "scale":
        this.#ships = step.ships;
        return [];
      case "plan":
        this.#change(step.change, step.which);
        return [];
      case "land":
        return [];
      case "relieve":
        this.#provider.relieve();
        return [];
      case "work":
        return this.#work(step.deliveries);
      case "wait":
        return this.#wait(step.seconds);
      default:
        await this.#trouble(step);
        return this.#look("any");
    }
  }

  async #run(step: EngineStep): Promise<string[]> {
    const isCalm = this.#provider.isCalm && step.during.length === 0;
    const before = step.do === "preview" || step.do === "refresh" ? JSON.stringify(seaNow(this.#provider)) : "";
    const outcome = await this.#sail(step);
    this.#said += `${outcome.errors.join("\n")}\n`;
    const broken: string[] = [];
    if (isCalm && outcome.errors.length > 0) broken.push(`a ${step.do} in the calm failed: ${outcome.errors.join("; ")}`);
    // A look changes nothing, whatever happens meanwhile.
    const isLook = before !== "" && step.during.length === 0;
    if (isLook && JSON.stringify(seaNow(this.#provider)) !== before) broken.push(`a ${step.do} has changed VMs or syncs`);
    const isDone = outcome.errors.length === 0 && !outcome.killed;
    const occasion = isDone && (step.do === "up" || step.do === "destroy") ? step.do : "any";
    // What somebody did while an `up` ran, the next one mends.
    const drifted = step.during.some(({ trouble }) => trouble.do === "drift" || trouble.do === "kill");
    return [...broken, ...(await this.#look(drifted ? "any" : occasion))];
  }

  async #sail(step: EngineStep): Promise<Outcome> {
    const kill = step.during.flatMap(({ at, trouble }): Kill[] =>
      trouble.do === "kill" && (trouble.what.kind === "engine" || trouble.what.kind === "provider")
        ? [{ at, what: trouble.what.kind }]
        : [],
    )[0];
    const troubles = [...step.during];
    this.#engine.onCall = async (share) => {
      while (troubles[0] && troubles[0].at.share <= share) await this.#trouble(troubles.shift()!.trouble);
    };
    const plan = withDigest({
      ...makePlan(this.#tasks),
      purpose: `version ${this.#version}`,
      repo: relative(process.cwd(), this.#machine.source),
    });
    if (step.do === "up") await keepPlan(this.#stack, plan);
    const registered = program({ stack: this.#stack, provider: "sprites", plan, ships: this.#ships });
    return this.#engine.run(step.do, registered, kill ?? null);
  }

  #change(change: "add" | "edit" | "drop", which: number): void {
    this.#version++;
    const ids = Object.keys(this.#tasks);
    const id = ids[which % ids.length]!;
    if (change === "add") this.#tasks[String(this.#version + 100)] = [id];
    if (change === "drop" && ids.length > 1)
      this.#tasks = Object.fromEntries(
        Object.entries(this.#tasks)
          .filter(([task]) => task !== id)
          .map(([task, after]) => [task, after.filter((other) => other !== id)]),
      );
  }

  async #trouble(trouble: Trouble): Promise<void> {
    const vms = ourVms(this.#provider);
    const vmAt = (index: number) => vms[index % (vms.length || 1)];
    if (trouble.do === "fault") this.#provider.fault(trouble.on, trouble.fault, trouble.times);
    if (trouble.do === "network" && trouble.path.between === "captain-provider") this.#provider.cut = true;
    if (trouble.do === "network" && trouble.path.between === "ship-helm" && trouble.state === "cut") {
      const away = vmAt(trouble.path.ship);
      if (away) this.#provider.cutOff.add(away.id);
      if (away) this.#crews.get(away.id)?.cutOff();
    }
    if (trouble.do === "kill") await this.#kill(trouble.what.kind, "ship" in trouble.what ? vmAt(trouble.what.ship) : undefined);
    const vm = trouble.do === "drift" ? vmAt(trouble.ship) : undefined;
    if (trouble.do !== "drift" || !vm) return;
    if (trouble.what === "vm") {
      this.#provider.remove(vm.name);
      if (trouble.how === "altered") this.#provider.make(vm.name, vm.labels);
    }
    if (trouble.what === "tmux") this.#crews.get(vm.id)?.die();
    const daemon = await this.#daemon();
    const session = daemon?.sessions.find(({ spec }) => spec.beta.includes(`@${vm.name}:`) && spec.labels.kind === "workspace");
    if (trouble.what !== "sync" || !daemon || !session) return;
    if (trouble.how === "removed") daemon.sessions = daemon.sessions.filter((each) => each !== session);
    else session.halted = "halted by somebody";
  }

  async #kill(kind: string, vm: Vm | undefined): Promise<void> {
    if (kind === "helm") {
      const { pid } = await helmClient()
        .health()
        .catch(() => ({ pid: 0 }));
      if (pid === 0) return;
      process.kill(pid, "SIGKILL");
      await until("the end of the helm", () => !existsSync(`/proc/${pid}`));
    }
    const daemon = kind === "sync-daemon" && (await this.#daemon());
    if (daemon) daemon.running = false;
    if (!vm) return;
    if (kind === "supervisor" || kind === "confinement") this.#crews.get(vm.id)?.die();
    if (kind === "hand") await this.#crews.get(vm.id)?.release();
  }

  /** The crews claim, and deliver so many tasks in all. */
  async #work(deliveries: number): Promise<string[]> {
    // What is begun from here on is on its ship alone, until somebody flushes it, or time passes.
    await this.#cycle();
    await this.#wake();
    let left = deliveries;
    const broken: string[] = [];
    for (let moved = true; moved && left > 0; ) {
      moved = false;
      const crews = [...this.#crews.values()];
      for (const crew of crews) if (await crew.isHeard()) await crew.claim();
      for (const crew of crews) {
        if (left === 0 || !(await crew.deliver())) continue;
        moved = true;
        left--;
      }
      broken.push(...(await this.#look("any")));
    }
    if (deliveries < 100) return broken;
    const { voyageId = "" } = (await readVoyageIdentity(this.#stack)) ?? {};
    const { state, tasks } = await helmClient().voyage(voyageId);
    if (state !== "done") broken.push(`the voyage is ${state}: ${tasks.map(({ id, status }) => `${id} ${status}`).join(", ")}`);
    return broken;
  }

  /** Starts the crews of silent ships, as the helm does by itself after a while (helm/voyage/wake.ts). */
  async #wake(): Promise<void> {
    const { voyageId = "" } = (await readVoyageIdentity(this.#stack).catch(() => null)) ?? {};
    const status = await helmClient()
      .voyage(voyageId)
      .catch(() => null);
    for (const { state, connected, incarnation } of status?.ships ?? []) {
      const vm = ourVms(this.#provider).find(({ id }) => id === incarnation);
      if (vm && !connected && ["working", "lost", "ended"].includes(state)) await this.#provider.run(vm, launchCrew);
    }
  }

  /** Time passes: syncs go on, and ships that are silent for long are taken for lost. */
  async #wait(seconds: number): Promise<string[]> {
    await this.#cycle();
    if (seconds < LEASE_SECONDS) return this.#look("any");
    const { voyageId = "" } = (await readVoyageIdentity(this.#stack).catch(() => null)) ?? {};
    for (const crew of this.#crews.values()) await crew.isHeard();
    const status = await helmClient()
      .voyage(voyageId)
      .catch(() => null);
    for (const { ship, incarnation, task, connected } of status?.ships ?? [])
      if (task !== null && !connected && incarnation) await helmClient().fenceShip(voyageId, ship, incarnation, "it is silent");
    return this.#look("any");
  }

  async #cycle(): Promise<void> {
    const daemon = await this.#daemon();
    if (daemon) cycleAll(daemon, this.#machine.reach);
  }

  async #daemon(): Promise<SyncDaemon | null> {
    const file = await readVoyageIdentity(this.#stack).catch(() => null);
    return file && this.#machine.daemonOf(file.voyageId);
  }

  /** After a command on a ship: a crew whose session is new comes, and one whose session is gone leaves. */
  async #meetCrew(vm: Vm): Promise<void> {
    const crew = this.#crews.get(vm.id);
    if (crew && !crew.isDead && !hasSession(vm)) await crew.farewell();
    // A crew that lost the helm goes on trying to reach it.
    if (crew && !crew.isDead) return void (await crew.isHeard());
    if (!hasSession(vm)) return;
    const came = await Crew.start(vm, () => this.#provider.cutOff.has(vm.id));
    if (came) this.#crews.set(vm.id, came);
  }

  async #look(occasion: Occasion): Promise<string[]> {
    const now = await snapshotOf({
      ...{ machine: this.#machine, stack: this.#stack, provider: this.#provider },
      ...{ state: this.#engine.state, said: this.#said },
    });
    const wanted: Wanted = {
      ships: Array.from({ length: this.#ships }, (_, index) => shipName(index)),
      tasks: Object.keys(this.#tasks),
      tailnet: false,
      captainHome: this.#machine.root,
      secrets: [SECRET],
    };
    const broken = whatIsBroken({ occasion, now, earlier: this.#seen, wanted });
    this.#seen.push(now);
    return broken;
  }
}
