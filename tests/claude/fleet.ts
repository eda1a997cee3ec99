import { type ChildProcess, execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { freePort } from "../../lib/base/free-port.ts";
import { type VoyageFolder, voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import type { Plan, PlanTask } from "../../lib/plan/types.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { claudeFolder } from "../support/claude/claude-cli.ts";
import { type Conversation, StandInApi } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import { TestShip, tempFolder } from "../support/test-ship.ts";
import { until } from "../support/until.ts";

export const ID = "abc123";
export const STACK = "voyage-test";
export const LIST = `${STACK}-tasks`;
export const KEY = "sk-ant-api03-a-key-of-this-test-0123456789";

export const THREE = [{ id: "1" }, { id: "2" }, { id: "3" }];
/** The epoch and the tries of each of {@link THREE} when each was done at the first grant. */
export const ONCE_EACH = THREE.map(() => [1, 0]);
/** Whether all tasks are done and the helm knows what each has used. */
export const allDone = (now: VoyageStatus) => now.state === "done" && now.tasks.every((task) => task.usage);

export type Small = { id: string; after?: string[]; description?: string; metadata?: Record<string, unknown> };

/**
 * `telemetry`: whether it is collected, and contents with it; most tests look at none, and need no process that stores
 * it.
 */
type Money = { budgetUsd?: number; telemetry?: boolean | "contents" };

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
  #cli = "";

  private constructor() {
    process.env.OCAPTAIN_HOME = join(this.folder, "h");
    process.env.OCAPTAIN_VOYAGES = join(this.folder, "v");
    this.at = voyageFolder(STACK);
  }

  static async sail(tasks: Small[], ships: number, more: Partial<Plan> = {}, money: Money = {}): Promise<ClaudeFleet> {
    const fleet = new ClaudeFleet();
    process.env.OCAPTAIN_HELM_PORT = String(await freePort());
    fleet.#cli = await claudeFolder();
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
    for (let i = 0; i < ships; i++) {
      const root = join(fleet.folder, `s${i}`);
      mkdirSync(root);
      const ship = new TestShip(root, `ship-${i}`, `${fleet.folder.split("-").at(-1)}-${i}`);
      fleet.ships.push(ship);
      const { token } = await fleet.helm.registerShip(ID, ship.name, ship.incarnation);
      await ship.install(fleet.helmUrl, token);
      fleet.credentials(ship, { ANTHROPIC_API_KEY: KEY });
    }
    fleet.#copying = setInterval(() => fleet.#copyTasks(), 200);
    return fleet;
  }

  get helmUrl(): string {
    return `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`;
  }

  async register(tasks: Small[], more: Partial<Plan> = {}, { telemetry, ...money }: Money = {}): Promise<void> {
    const provider = { kind: "harbor" as const, baseUrl: "http://127.0.0.1:9", token: "none" };
    const timing = { leaseSeconds: 40, heartbeatSeconds: 0.5, fenceSeconds: 30, lingerSeconds: 60 };
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

  start(ship: TestShip) {
    return ship.start({ PATH: `${this.#cli}:${process.env.PATH}`, LANG: "C.UTF-8" });
  }

  startAll(): void {
    for (const ship of this.ships) this.#crews.set(ship, this.start(ship));
  }

  /** Waits until the crew that {@link startAll} started has ended by itself, and returns its exit status. */
  ended(ship: TestShip, timeoutMs = 60_000): Promise<number | null> {
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
  async allInMidTask(): Promise<void> {
    await until("three in mid-task", () => THREE.every(({ id }) => this.asked(id).length >= 2), 60_000);
  }

  async task(id: string) {
    return (await this.status()).tasks.find((task) => task.id === id)!;
  }

  /** Waits until `when` holds; when it does not come to that, fails with what the crews have said. */
  async until(
    what: string,
    holds: (status: VoyageStatus) => boolean | Promise<boolean>,
    timeoutMs = 90_000,
  ): Promise<VoyageStatus> {
    let last: VoyageStatus | null = null;
    const look = async () => {
      last = await this.status().catch(() => null);
      return last && (await holds(last)) ? last : null;
    };
    const crews = () => this.ships.map((ship) => `${ship.name}:\n${ship.output.slice(-3000)}\n${screen(ship)}`);
    const said = () => [JSON.stringify(last?.tasks, null, 1), ...crews()].join("\n");
    return until(what, look, timeoutMs, { everyMs: 100, said });
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
