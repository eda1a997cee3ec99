import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import { shipName, spritePrefix } from "../../../lib/base/naming.ts";
import { voyageFolder } from "../../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../../lib/daemons/helm.ts";
import { helmClient } from "../../../lib/daemons/helm-client.ts";
import type { Mutagen } from "../../../lib/mutagen/client.ts";
import { incarnationLabel } from "../../../lib/mutagen/sessions.ts";
import { readVoyageIdentity } from "../../../lib/voyage/identity.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage } from "../../support/helm-voyage.ts";
import { until } from "../../support/until.ts";
import { describeStep, type EngineStep, type History, type Step, type Trouble } from "../history.ts";
import { type Occasion, type Snapshot, type Wanted, whatIsBroken } from "../invariants.ts";
import { Crew, hasSession } from "./crew.ts";
import { Engine, type Kill, type Outcome } from "./engine.ts";
import { program } from "./program.ts";
import { PROVIDER_URL, Provider, type Vm } from "./provider.ts";
import { cycleAll, modelMutagen, type SyncDaemon } from "./sync.ts";

const TOKEN = "storm/1/2/th3-s3cret-0f-the-storm";
/** The time after which a silent ship is taken for lost. */
const LEASE_SECONDS = 1000;

/** The captain's machine, which all histories of a process share, with its helm and another voyage at it. */
export async function openMachine() {
  const captain = await makeCaptain();
  Object.assign(process.env, { SPRITES_API_URL: PROVIDER_URL, SPRITE_TOKEN: TOKEN });
  const source = makeSource(captain.root);
  const other = await makeVoyage(source, "other", makePlan({ "1": [], "2": ["1"] }, { digest: "other" }), {
    timing: { leaseSeconds: 3600, heartbeatSeconds: 300, fenceSeconds: 2700, lingerSeconds: 1 },
  });
  await (await ensureHelm()).registerVoyage("ffffff", other.register);
  const daemons = new Map<string, SyncDaemon>();
  let sails: { provider: Provider } | null = null;
  const real = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const url = new URL(String(input));
    if (url.origin !== PROVIDER_URL) return real(input, init);
    return sails ? sails.provider.fetch(url, init ?? {}) : Promise.reject(new TypeError("nobody sails"));
  };
  const reach = (host: string) => (sails?.provider.cut ? null : (sails?.provider.vms.get(host)?.home ?? null));
  const daemonOf = (voyageId: string): SyncDaemon => {
    const known = daemons.get(voyageId) ?? { running: false, sessions: [] };
    daemons.set(voyageId, known);
    return known;
  };
  return {
    root: captain.root,
    source,
    other: other.folder,
    daemonOf,
    reach,
    /** The client of a voyage's sync daemon, instead of the real one's. */
    mutagen: (voyageId: string): Mutagen => modelMutagen(daemonOf(voyageId), reach),
    use(provider: Provider) {
      sails = { provider };
    },
    async close(): Promise<void> {
      globalThis.fetch = real;
      await stopHelm();
      for (const name of ["SPRITES_API_URL", "SPRITE_TOKEN"]) delete process.env[name];
      captain.remove();
    },
  };
}

export type Machine = Awaited<ReturnType<typeof openMachine>>;

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
  readonly #engine = new Engine({ spritesToken: TOKEN });
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
    const before = step.do === "preview" || step.do === "refresh" ? JSON.stringify(this.#seaNow()) : "";
    const outcome = await this.#sail(step);
    this.#said += `${outcome.errors.join("\n")}\n`;
    const broken: string[] = [];
    if (isCalm && outcome.errors.length > 0) broken.push(`a ${step.do} in the calm failed: ${outcome.errors.join("; ")}`);
    // A look changes nothing, whatever happens meanwhile.
    const isLook = before !== "" && step.during.length === 0;
    if (isLook && JSON.stringify(this.#seaNow()) !== before) broken.push(`a ${step.do} has changed VMs or syncs`);
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
    const plan = {
      ...makePlan(this.#tasks, { digest: `plan-${this.#version}` }),
      repo: relative(process.cwd(), this.#machine.source),
    };
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
    const vms = this.#ourVms();
    const vmAt = (index: number) => vms[index % (vms.length || 1)];
    if (trouble.do === "fault") this.#provider.fault(trouble.on, trouble.fault, trouble.times);
    if (trouble.do === "network" && trouble.path.between === "captain-provider") this.#provider.cut = true;
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
    let left = deliveries;
    const broken: string[] = [];
    for (let moved = true; moved && left > 0; ) {
      moved = false;
      const crews = [...this.#crews.values()];
      for (const crew of crews) if (await crew.isHeard()) await crew.claim();
      await this.#cycle();
      for (const crew of crews) {
        if (left === 0 || !(await crew.deliver())) continue;
        moved = true;
        left--;
      }
      await this.#cycle();
      broken.push(...(await this.#look("any")));
    }
    if (deliveries < 100) return broken;
    const { voyageId = "" } = (await readVoyageIdentity(this.#stack)) ?? {};
    const { state, tasks } = await helmClient().voyage(voyageId);
    if (state !== "done") broken.push(`the voyage is ${state}: ${tasks.map(({ id, status }) => `${id} ${status}`).join(", ")}`);
    return broken;
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
    if (crew && !hasSession(vm)) {
      this.#crews.delete(vm.id);
      await crew.farewell();
    }
    if (this.#crews.has(vm.id) || !hasSession(vm)) return;
    const came = await Crew.start(vm);
    if (came) this.#crews.set(vm.id, came);
  }

  #ourVms(): Vm[] {
    return [...this.#provider.vms.values()].filter(({ labels }) => labels.includes("ocaptain"));
  }

  #seaNow() {
    return [...this.#provider.vms.values()].map(({ home, ...vm }) => vm);
  }

  async #look(occasion: Occasion): Promise<string[]> {
    const now = await this.#snapshot();
    const wanted: Wanted = {
      ships: Array.from({ length: this.#ships }, (_, index) => shipName(index)),
      tasks: Object.keys(this.#tasks),
      tailnet: false,
      captainHome: this.#machine.root,
      secrets: ["th3-s3cret-0f-the-storm"],
    };
    const broken = whatIsBroken({ occasion, now, earlier: this.#seen, wanted });
    this.#seen.push(now);
    return broken;
  }

  async #snapshot(): Promise<Snapshot> {
    const file = await readVoyageIdentity(this.#stack);
    const folder = voyageFolder(this.#stack);
    const daemon = file && this.#machine.daemonOf(file.voyageId);
    const helm = helmClient();
    const health = await helm.health().catch(() => null);
    const status = file && health?.voyages.includes(file.voyageId) ? await helm.voyage(file.voyageId) : null;
    const git = async (...args: string[]) =>
      existsSync(folder.repo)
        ? (await execa("git", ["--git-dir", folder.repo, ...args], { reject: false })).stdout.split("\n").filter(Boolean)
        : [];
    const prefix = file ? spritePrefix(this.#stack, file.voyageId) : "-";
    const branch = (await git("log", "--first-parent", "--reverse", "--format=%H %s", this.#stack)).map((line) => {
      const task = /^T(\w+)$/.exec(line.slice(41))?.[1] ?? null;
      return { commit: line.slice(0, 40), task };
    });
    const inRefs = (await git("rev-list", "--objects", "--all")).flatMap((line) => /(mark-\S+)$/.exec(line)?.[1] ?? []);
    const inFolder = (at: string) =>
      existsSync(at) ? readdirSync(at, { recursive: true, encoding: "utf8" }).filter((path) => path.includes("mark-")) : [];
    const markOf = (path: string) => path.slice(path.indexOf("mark-"));
    const mirrored: Record<string, string[]> = {};
    for (let index = 0; index < 4; index++) {
      const marks = inFolder(folder.mirror(shipName(index))).map(markOf);
      if (marks.length > 0) mirrored[shipName(index)] = marks;
    }
    const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
    return {
      vms: this.#ourVms()
        .filter(({ name }) => name.startsWith(prefix))
        .map((vm) => ({ name: vm.name, incarnation: vm.id, crew: hasSession(vm) })),
      nodes: [],
      keys: [],
      syncs: (daemon?.sessions ?? []).map(({ spec, halted }) => ({
        name: spec.name,
        ship: spec.labels.ship ?? "",
        kind: spec.labels.kind ?? "",
        incarnation: incarnationOf(spec.labels.incarnation ?? "", this.#ourVms()),
        halted: halted !== null,
      })),
      processes: daemon?.running && file?.sunkAt ? [`sync daemon of ${file.voyageId}`] : [],
      ports: [],
      locks: [],
      tasks: status?.tasks.map(({ id, status: is, commit, epoch }) => ({ id, status: is, commit, epoch })) ?? null,
      branch,
      refs: await git("for-each-ref", "--format=%(refname)"),
      registered: file && health?.voyages.includes(file.voyageId) ? [file.voyageId] : [],
      recorded: this.#engine.state.map(({ name, kind, props }) => ({ name, kind, present: props.present !== false })),
      work: { mirrored, home: [...inRefs, ...inFolder(folder.ships).map(markOf)] },
      others: {
        vms: this.#seaNow().filter(({ labels }) => labels.includes("theirs")),
        branch: (await execa("git", ["--git-dir", this.#machine.other.repo, "for-each-ref"])).stdout,
        files: readdirSync(this.#machine.other.root).sort(),
      },
      texts: [
        { place: "state", text: JSON.stringify(this.#engine.state) },
        { place: "what the captain was told", text: this.#said },
        { place: "the helm's log", text: read(join(process.env.OCAPTAIN_HOME!, "helm", "helm.log")) },
        { place: "voyage.json", text: read(folder.voyageFile) },
      ],
    };
  }
}

/** The VM's id by the label that a sync has of it. */
function incarnationOf(label: string, vms: readonly Vm[]): string {
  return vms.find(({ id }) => incarnationLabel(id) === label)?.id ?? label;
}
