import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ledger } from "../../../helm/ledger/ledger.ts";
import { Store } from "../../../helm/ledger/store.ts";
import type { Branch } from "../../../helm/repository/branch.ts";
import { Voyage } from "../../../helm/voyage/voyage.ts";
import type { Plan } from "../../../lib/plan/types.ts";

/**
 * What stays when the helm dies (the disk, the repository, time), and the helm, which can be killed at any moment and
 * started again.
 */

export type Pushed = { ship: string; task: string; epoch: number; base: string; needsTip: boolean };
type OnBranch = { id: string; task: string; epoch: number };

let commits = 0;
const newCommit = () => (++commits).toString(16).padStart(40, "0");

export class World {
  ms = 1_000_000;
  readonly #folder = mkdtempSync(join(tmpdir(), "ocp-"));
  readonly file = join(this.#folder, "ledger.sqlite");
  /** The commits of the voyage's branch, the oldest first. */
  readonly history: OnBranch[] = [{ id: newCommit(), task: "", epoch: 0 }];
  readonly pushed = new Map<string, Pushed>();
  readonly refs = new Map<string, string>();
  readonly rescued = new Set<string>();
  /** The git commands under way; each ends when the world says so. */
  #gates: (() => void)[] = [];
  generation = 0;
  voyage!: Voyage;
  #store!: Store;
  onMove: (commit: OnBranch) => void = () => {};

  tip = () => this.history.at(-1)!.id;

  async start(): Promise<void> {
    this.#store = new Store(this.file, { sync: "off" });
    const clock = { now: () => this.ms, wallMs: () => this.ms };
    const ledger = new Ledger(this.#store, clock.wallMs);
    this.voyage = new Voyage({
      id: "abc123",
      ledger,
      branch: this.#branch(this.generation),
      clock,
      log: () => {},
      show: async () => {},
      holdMs: 0,
    });
    const opened = this.voyage.open();
    await this.through(opened);
  }

  async register(plan: Plan): Promise<void> {
    await this.through(
      this.voyage.register({
        stack: "v",
        plan,
        hand: "rehearsal",
        timing: { leaseSeconds: 10, heartbeatSeconds: 1, fenceSeconds: 7, lingerSeconds: 1 },
      }),
    );
  }

  /** Kills the helm, as by SIGKILL: what was not committed to disk is gone, and nobody gets an answer. */
  kill(): void {
    this.generation++;
    this.#gates = [];
    this.#store.close();
  }

  close(): void {
    this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  push(ref: string, commit: Pushed): string {
    const id = newCommit();
    this.pushed.set(id, commit);
    this.refs.set(ref, id);
    return id;
  }

  /** Lets one git command end. */
  openGate(): void {
    this.#gates.shift()?.();
  }

  /** Waits for `promise`, letting all git commands end meanwhile. */
  async through<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const settled = promise.finally(() => {
      done = true;
    });
    settled.catch(() => {});
    for (let turn = 0; !done; turn++) {
      if (turn > 10_000) throw new Error("it hangs");
      this.openGate();
      await nextTurn();
    }
    return settled;
  }

  #branch(generation: number): Branch {
    const dead = <T>(): Promise<T> => new Promise<T>(() => {});
    const gated = <T>(job: () => T): Promise<T> => {
      if (generation !== this.generation) return dead();
      return new Promise<T>((resolve) => this.#gates.push(() => resolve(job())));
    };
    return {
      name: "v",
      tip: async () => (generation === this.generation ? this.tip() : dead()),
      merge: (ask) =>
        gated(() => {
          const commit = this.pushed.get(ask.commit);
          if (!commit || this.refs.get(`${ask.ship}/${ask.task}-${ask.epoch}`) !== ask.commit)
            return { kind: "unknown-commit", message: ask.commit };
          if (commit.needsTip && commit.base !== this.tip()) return { kind: "conflict", tip: this.tip(), files: ["f"] };
          const id = newCommit();
          this.pushed.set(id, commit);
          return { kind: "clean", tip: this.tip(), commit: id };
        }),
      move: (from, to) =>
        gated(() => {
          if (from !== this.tip()) return false;
          const { task, epoch } = this.pushed.get(to)!;
          const moved = { id: to, task, epoch };
          this.onMove(moved);
          this.history.push(moved);
          return true;
        }),
      touched: async () => ["f"],
      holds: async (commit) => this.history.some(({ id }) => id === commit),
      rescue: (ask) =>
        gated(() => {
          this.rescued.add(`${ask.task}/${ask.epoch}`);
          return `refs/lost/${ask.task}/${ask.epoch}`;
        }),
      showTip: async () => {},
    };
  }
}

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
