import { type ChildProcess, execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { freePort } from "../../lib/base/free-port.ts";
import { type VoyageFolder, voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import type { Plan, PlanTask } from "../../lib/plan/types.ts";
import type { TaskRow, VoyageStatus } from "../../lib/protocol/status.ts";
import { claudeFolder } from "../support/claude/claude-cli.ts";
import { type Conversation, StandInApi } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import { ship as callsOf } from "../support/helm-voyage.ts";
import { TestShip, tempFolder } from "../support/test-ship.ts";
import { until } from "../support/until.ts";

export const ID = "abc123";
export const STACK = "voyage-test";
const LIST = `${STACK}-tasks`;
export const KEY = "sk-ant-api03-a-key-of-this-test-0123456789";

/**
 * How long anything is waited for that a fleet does. Only a failure costs this time: on a busy machine a single session
 * of Claude Code may take a minute.
 */
const PATIENCE_MS = 180_000;

export const THREE = [{ id: "1" }, { id: "2" }, { id: "3" }];
/** The epoch and the tries of each of {@link THREE} when each was done at the first grant. */
export const ONCE_EACH = THREE.map(() => [1, 0]);
/** Whether all tasks are done and the helm knows what each has used. */
export const allDone = (now: VoyageStatus) => now.state === "done" && now.tasks.every((task) => task.usage);

/** The row of a task that the voyage has. */
export const taskOf = (now: VoyageStatus, id: string) => now.tasks.find((task) => task.id === id)!;

export type Small = { id: string; after?: string[]; description?: string; metadata?: Record<string, unknown> };

/**
 * `telemetry`: whether it is collected, and contents with it; most tests look at none, and need no process that stores
 * it.
 */
type Money = { budgetUsd?: number; telemetry?: boolean | "contents" };
/**
 * `onTrial`: whether each ship shows by a session of Claude Code that its hand can work, before its first task, as
 * ships do. Where a test looks at no trial, the helm can be told that it went well before the crew starts, which saves
 * that session. @default true
 */
type Proof = { onTrial?: boolean };

/**
 * A voyage with real parts: helm, crews, git and Claude Code. Only the VMs are folders on this machine, the model is a
 * {@link StandInApi}, and the sync of the task list is a copy each 200 ms, which overwrites what a ship changes as
 * Mutagen's one-way replica does.
 */
export class ClaudeFleet {
  readonly folder = tempFolder();
  readonly api = new StandInApi();
  readonly ships: TestShip[] = [];
  readonly at: VoyageFolder;
  helm!: HelmClient;
  readonly #crews = new Map<TestShip, ChildProcess>();
  /** Task files that a ship had removed and the copy of the list has put back, as `<ship>/<name>`. */
  readonly putBack = new Set<string>();
  readonly #copied = new Set<string>();
  #copying: NodeJS.Timeout | undefined;
  /** The folder of the `claude` that the crews run: the real one. */
  cli = "";
  /** The time between two heartbeats, by which crews also wait after failures. It counts from the next registration. */
  heartbeatSeconds = 0.5;
  #plan: { tasks: Small[]; more: Partial<Plan> } = { tasks: [], more: {} };

  private constructor() {
    process.env.OCAPTAIN_HOME = join(this.folder, "h");
    process.env.OCAPTAIN_VOYAGES = join(this.folder, "v");
    this.at = voyageFolder(STACK);
  }

  static async sail(
    tasks: Small[],
    ships: number,
    more: Partial<Plan> = {},
    { onTrial = true, ...money }: Money & Proof = {},
  ): Promise<ClaudeFleet> {
    const fleet = new ClaudeFleet();
    process.env.OCAPTAIN_HELM_PORT = String(await freePort());
    fleet.cli = await claudeFolder();
    await fleet.api.start();
    fleet.helm = await ensureHelm();
    const repo = join(fleet.folder, "src");
    mkdirSync(repo);
    gitIn(repo, "init", "--quiet");
    writeFileSync(join(repo, "shared.txt"), "one\n");
    gitIn(repo, "add", "--all");
    gitIn(repo, "commit", "--quiet", "-m", "start");
    await prepareRepo({ folder: fleet.at, repo, branch: STACK });
    await fleet.register(tasks, more, money);
    await fleet.addShips(ships, { onTrial });
    fleet.#copying = setInterval(() => fleet.#copyTasks(), 200);
    return fleet;
  }

  /** Adds ships, whose crews are not started. */
  async addShips(count: number, { onTrial = true }: Proof = {}): Promise<void> {
    for (const last = this.ships.length + count; this.ships.length < last; ) {
      const n = this.ships.length;
      const root = join(this.folder, `s${n}`);
      mkdirSync(root);
      const ship = new TestShip(root, `ship-${n}`, `${this.folder.split("-").at(-1)}-${n}`);
      const { token } = await this.helm.registerShip(ID, ship.name, ship.incarnation);
      await ship.install(this.helmUrl, token);
      if (!onTrial) await callsOf(this.helmUrl, token, ship.incarnation).raw("trial", { fit: true, message: "" });
      this.credentials(ship, { ANTHROPIC_API_KEY: KEY });
      this.ships.push(ship);
    }
  }

  get helmUrl(): string {
    return `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`;
  }

  async register(tasks: Small[], more: Partial<Plan> = {}, { telemetry, ...money }: Money = {}): Promise<void> {
    const provider = { kind: "harbor" as const, baseUrl: "http://127.0.0.1:9", token: "none" };
    const { heartbeatSeconds } = this;
    const timing = { leaseSeconds: 40, heartbeatSeconds, fenceSeconds: 30, lingerSeconds: 60 };
    this.#plan = { tasks, more };
    const plan = { ...planOf(tasks), ...more };
    await this.helm.registerVoyage(ID, {
      stack: STACK,
      folder: this.at.root,
      plan,
      hand: "claude",
      ...money,
      ...(telemetry !== true && { telemetry: telemetry || "off" }),
      provider,
      timing,
    });
  }

  credentials(ship: TestShip, values: Record<string, string>): void {
    const text = Object.entries({ ...values, ANTHROPIC_BASE_URL: this.api.url }).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(ship.path("crew/credentials"), text.join(""), { mode: 0o600 });
  }

  start(ship: TestShip): ChildProcess {
    const crew = ship.start({ PATH: `${this.cli}:${process.env.PATH}`, LANG: "C.UTF-8" });
    this.#crews.set(ship, crew);
    return crew;
  }

  startAll(): void {
    for (const ship of this.ships) this.start(ship);
  }

  /**
   * Has the plan grow by these tasks, and starts the crews of these ships, as `up` does with a changed plan. Before
   * that the crews end by themselves, for want of work, so that tests that share a fleet do not meet.
   */
  async goOn(tasks: Small[], ships = this.ships, money: Money = {}): Promise<void> {
    for (const ship of this.#crews.keys()) await this.ended(ship);
    await this.follow(money, tasks);
    for (const ship of ships) this.start(ship);
  }

  /** Registers the plan again, as `up` does that brings other credentials, another budget, or more tasks. */
  follow(money: Money = {}, tasks: Small[] = []): Promise<void> {
    return this.register([...this.#plan.tasks, ...tasks], this.#plan.more, money);
  }

  /** Waits until these tasks are accepted, and the helm knows what each has used; returns them. */
  async accepted(...ids: string[]): Promise<TaskRow[]> {
    const rows = (now: VoyageStatus) => ids.map((id) => taskOf(now, id));
    const isDone = (now: VoyageStatus) => rows(now).every((task) => task.status === "accepted" && task.usage);
    return rows(await this.until(`${ids.join(", ")} accepted`, isDone));
  }

  /** Waits until the crew that was started last on this ship has ended by itself, and returns its exit status. */
  ended(ship: TestShip, timeoutMs = PATIENCE_MS): Promise<number | null> {
    return ship.ended(this.#crews.get(ship)!, timeoutMs);
  }

  async status(): Promise<VoyageStatus> {
    return this.helm.voyage(ID);
  }

  /** Returns what the model was asked for a task. */
  asked(task: string): Conversation[] {
    return this.api.calls.filter((call) => call.task === task);
  }

  /** Waits until each of {@link THREE} has been asked for a second turn. */
  allInMidTask(): Promise<void> {
    return this.inMidTask(...THREE.map(({ id }) => id));
  }

  /** Waits until for each of these tasks the model has been asked for a second turn. */
  async inMidTask(...ids: string[]): Promise<void> {
    await until(`${ids.join(", ")} in mid-task`, () => ids.every((id) => this.asked(id).length >= 2), PATIENCE_MS);
  }

  async task(id: string) {
    return taskOf(await this.status(), id);
  }

  /** Waits until `when` holds; when it does not come to that, fails with what the crews have said. */
  async until(
    what: string,
    holds: (status: VoyageStatus) => boolean | Promise<boolean>,
    timeoutMs = PATIENCE_MS,
  ): Promise<VoyageStatus> {
    let last: VoyageStatus | null = null;
    const look = async () => {
      last = await this.status().catch(() => null);
      return last && (await holds(last)) ? last : null;
    };
    const crews = () => this.ships.map((ship) => `${ship.name}:\n${ship.output.slice(-3000)}\n${screen(ship)}`);
    const said = () => [JSON.stringify(last?.tasks, null, 1), ...crews()].join("\n");
    return until(what, look, timeoutMs, { everyMs: 200, said });
  }

  /**
   * Waits until each ship has been heard of so many times more, or its crew has ended: after six times what would
   * happen by itself has happened, and after three each ship knows what the helm knew before.
   */
  async heardOfAgain(times = 6): Promise<void> {
    const heard = new Map(this.ships.map((ship) => [ship.name, new Set<string>()]));
    await this.until("heard of again", ({ ships }) => {
      for (const row of ships) if (row.lastSeenAt) heard.get(row.ship)?.add(row.lastSeenAt);
      return ships.every((row) => row.state === "ended" || heard.get(row.ship)!.size > times);
    });
  }

  /** Returns the task ids of the branch's commits, oldest first. */
  delivered(): string[] {
    const log = gitIn(this.at.repo, "log", "--reverse", "--format=%(trailers:key=Task,valueonly,separator=)", STACK);
    return log.split("\n").filter(Boolean);
  }

  file(path: string): string {
    return gitIn(this.at.repo, "show", `${STACK}:${path}`);
  }

  /** Returns all that a ship has logged, by the name of the file. */
  logs(ship: TestShip): Record<string, string> {
    const folder = ship.path("logs");
    const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    // The names of some logs hold a session's id, which no test knows.
    const short = (path: string) => relative(folder, path).replace(/-[0-9a-f]{8}-[0-9a-f-]{27}(\.jsonl$|(?=\.log$))/, "");
    return Object.fromEntries(
      names.map((entry) => join(entry.parentPath, entry.name)).map((path) => [short(path), readFileSync(path, "utf8")]),
    );
  }

  async close(): Promise<void> {
    clearInterval(this.#copying);
    for (const ship of this.ships) await ship.remove();
    await stopHelm();
    await this.api.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  taskFile(ship: TestShip, id: string): string {
    return join(ship.home, ".claude", "tasks", LIST, `${id}.json`);
  }

  #copyTasks(): void {
    const from = join(this.at.root, ".claude", "tasks", LIST);
    for (const ship of this.ships) {
      const to = join(ship.home, ".claude", "tasks", LIST);
      try {
        mkdirSync(to, { recursive: true });
        for (const name of readdirSync(from)) {
          if (!name.endsWith(".json")) continue;
          const text = readFileSync(join(from, name), "utf8");
          const there = read(join(to, name));
          if (there === text) continue;
          const file = `${ship.name}/${name}`;
          if (there === null && this.#copied.has(file)) this.putBack.add(file);
          copyFileSync(join(from, name), join(to, name));
          this.#copied.add(file);
        }
      } catch {} // The file is just being written; the next round sees it.
    }
  }
}

const read = (file: string) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
};

function planOf(tasks: Small[]): Plan {
  return {
    name: "A test",
    purpose: "Write files",
    repo: ".",
    recommendedShips: null,
    width: 3,
    spec: "# A test\n\nEvery task writes its file.\n",
    verify: null,
    digest: JSON.stringify(tasks).length.toString(),
    tasks: tasks.map(
      (task): PlanTask => ({
        id: task.id,
        subject: `Write ${task.id}`,
        description: task.description ?? `Write out/${task.id}.`,
        blocks: tasks.filter((other) => other.after?.includes(task.id)).map((other) => other.id),
        blockedBy: task.after ?? [],
        metadata: task.metadata ?? {},
      }),
    ),
  };
}

/** Returns what the tmux session of the hand shows. */
export function screen(ship: TestShip): string {
  try {
    const env = ship.environment();
    return execFileSync("tmux", ["capture-pane", "-p", "-t", "=claude:"], { env, encoding: "utf8", stdio: "pipe" });
  } catch {
    return "(no session)";
  }
}

/** Finds the pid of the ship's Claude Code. */
export const claudePid = (ship: TestShip) =>
  ship.handPids().find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]!.endsWith("claude");
    } catch {
      return false; // The process has ended meanwhile.
    }
  });
