import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { telemetryHome } from "../../lib/base/paths.ts";
import { programFile } from "../../lib/base/program-file.ts";
import type { Log } from "../log.ts";

/** How long a start may take; its lock may be held until the process of a helm that was killed has ended. */
const START_MS = 45_000;
/** A process that ends is started again after so long, and after twice as long when it ends again soon. */
const AGAIN_MS = 500;
const MOST_AGAIN_MS = 30_000;
/** One that has run for so long has not failed at its start. */
const WELL_MS = 60_000;

/**
 * The telemetry process, which the helm starts and starts again. It ends when its standard input does, so that it
 * outlives no helm, however that ends.
 */
export class Child {
  readonly #log: Log;
  #process: ChildProcess | null = null;
  #ready: Promise<boolean> | null = null;
  #again: NodeJS.Timeout | undefined;
  #failures = 0;
  #ended = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starts the process unless it runs, and tells within `ms` whether it is ready. */
  async ready(ms: number): Promise<boolean> {
    if (this.#ended) return false;
    if (!this.#process && !this.#again) this.#start();
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, ms, false).unref());
    return Promise.race([this.#ready ?? Promise.resolve(false), late]);
  }

  /** Whether the process runs, or is about to. */
  get isWanted(): boolean {
    return this.#process !== null || this.#again !== undefined;
  }

  /** Lets the process write what it has, and end; it is started again when it is needed. */
  rest(): void {
    clearTimeout(this.#again);
    this.#again = undefined;
    const resting = this.#process;
    this.#process = null;
    this.#ready = null;
    resting?.stdin?.end();
  }

  /** Ends with the helm. */
  end(): void {
    this.#ended = true;
    this.rest();
  }

  #start(): void {
    clearTimeout(this.#again);
    this.#again = undefined;
    mkdirSync(telemetryHome(), { recursive: true, mode: 0o700 });
    const log = openSync(join(telemetryHome(), "output.log"), "a", 0o600);
    const startedAt = performance.now();
    const child = spawn(process.execPath, [programFile("telemetry/main")], { stdio: ["pipe", "pipe", log], cwd: "/" });
    closeSync(log);
    child.stdin!.on("error", () => {}); // It has ended, which is heard below.
    this.#process = child;
    this.#ready = new Promise((resolve) => {
      const late = setTimeout(() => child.kill("SIGKILL"), START_MS).unref();
      child.stdout!.once("data", () => {
        clearTimeout(late);
        this.#log("telemetry-started", { pid: child.pid });
        resolve(true);
      });
      const gone = () => {
        clearTimeout(late);
        resolve(false);
      };
      child.once("error", gone).once("exit", gone);
    });
    const over = (why: string) => {
      if (this.#process !== child) return;
      this.#process = null;
      this.#ready = null;
      this.#failures = performance.now() - startedAt > WELL_MS ? 1 : this.#failures + 1;
      const afterMs = Math.min(AGAIN_MS * 2 ** (this.#failures - 1), MOST_AGAIN_MS);
      this.#log("telemetry-ended", { why, afterMs });
      this.#again = setTimeout(() => this.#start(), afterMs).unref();
    };
    child.once("error", (error) => over(String(error)));
    child.once("exit", (code, signal) => over(signal ?? `status ${code}`));
  }
}
