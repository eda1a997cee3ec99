import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packCrew } from "../../lib/ship/crew-pack.ts";
import { provisionArgv, provisionStdin } from "../../lib/ship/install.ts";

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), "oc-"));
}

/**
 * A ship for one test: a home of its own on this machine, with the packed crew in it, which is installed in the way in
 * which the product installs it.
 */
export class TestShip {
  readonly home: string;
  readonly name: string;
  readonly incarnation: string;
  readonly #running: ChildProcess[] = [];
  output = "";

  constructor(folder: string, name = "ship-0", tag = folder.split("-").at(-1)!) {
    this.home = join(folder, "home");
    this.name = name;
    this.incarnation = `inc-${tag}`;
  }

  async install(helmUrl: string, token: string, voyageId = "abc123"): Promise<void> {
    const files = await packCrew();
    const config = {
      voyageId,
      stack: "voyage-test",
      ship: this.name,
      incarnation: this.incarnation,
      helmUrl,
      taskList: "voyage-test-tasks",
    };
    const all = [
      ...files.map((file) => ({ ...file, path: `voyage/crew/${file.path}` })),
      { path: "voyage/crew/config.json", content: JSON.stringify(config), mode: 0o600 },
      { path: "voyage/crew/token", content: token, mode: 0o600 },
    ];
    spawnSync("mkdir", ["-p", this.home]);
    const [program, ...args] = provisionArgv();
    const ran = spawnSync(program!, args, { env: this.environment(), input: provisionStdin({ files: all }), encoding: "utf8" });
    if (ran.status !== 0) throw new Error(ran.stderr);
  }

  environment(more: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: process.env.PATH!,
      HOME: this.home,
      // It has a tmux server of its own, as on a VM.
      TMUX_TMPDIR: this.home,
      OCAPTAIN_SPRITE_SOCKET: join(this.home, "absent.sock"),
      ...more,
    };
  }

  /** Starts the supervisor in plain Node. */
  start(more: Record<string, string> = {}, node = process.execPath): ChildProcess {
    const child = spawn(node, [join(this.home, "voyage/crew/supervisor.js")], {
      env: this.environment(more),
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.on("data", (chunk) => (this.output += chunk));
    child.stderr.on("data", (chunk) => (this.output += chunk));
    this.#running.push(child);
    return child;
  }

  /** Waits for the end of a supervisor, and gives its exit status. */
  async ended(child: ChildProcess, timeoutMs = 60_000): Promise<number | null> {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    try {
      const [status] = await once(child, "exit", { signal: AbortSignal.timeout(timeoutMs) });
      return status;
    } catch (error) {
      throw new Error(`the supervisor did not end in ${timeoutMs} ms; it said:\n${this.output}`, { cause: error });
    }
  }

  /** The events of supervisor.jsonl, in order. */
  events(): string[] {
    return this.#journal().map((line) => line.event);
  }

  lastHello(): { pid: number } {
    return this.#journal().findLast((line) => line.event === "hello") as unknown as { pid: number };
  }

  #journal(): { event: string }[] {
    const file = this.path("logs/supervisor.jsonl");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  path(below: string): string {
    return join(this.home, "voyage", below);
  }

  /** The pids of processes with this ship's mark, other than its supervisor: hands and what they started. */
  handPids(): number[] {
    return readdirSync("/proc")
      .filter((name) => {
        try {
          return readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(`OCAPTAIN_CREW=abc123/${this.incarnation}`);
        } catch {
          return false;
        }
      })
      .map(Number);
  }

  async remove(): Promise<void> {
    for (const child of this.#running) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        child.kill("SIGCONT");
        await once(child, "exit");
      }
    }
    for (const pid of this.handPids()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // It ended by itself meanwhile.
      }
    }
    rmSync(join(this.home, ".."), { recursive: true, force: true, maxRetries: 5 });
  }
}
