import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { run } from "../machine/run.ts";
import type { TaskLog } from "../machine/task-log.ts";
import { namesOf } from "../tree/names.ts";
import { type ClaimContext, handEnvironment } from "./context.ts";

/** The longest that a task's check may run. */
const CHECK_MS = 10 * 60_000;
/** A merge may take long, and other tasks may have their turn first; that the helm is there is said by heartbeats. */
const ACCEPT_MS = 30 * 60_000;

const COMMIT = /^[0-9a-f]{40}$/;

/** What became of one offer of the tree. Only `accepted` has ended the claim. */
export type Offered =
  | { kind: "accepted"; tip: string; summary: string }
  | { kind: "check-failed"; exitCode: number; output: string }
  | { kind: "conflict"; tip: string; files: string[] };

/** Brings one claim's work from the tree to the branch: commit, check, push, accept (docs/protocol.md). */
export class Delivery {
  readonly #context: ClaimContext;
  readonly #grant: Grant;
  readonly #log: TaskLog;
  readonly #signal: AbortSignal;
  /** The commit of another branch that the task is to merge in; undefined where it is to merge none. */
  readonly #merges: string | undefined;
  #parents: string[];
  /** The tip on which the tree is built. */
  #tip: string;
  #commit = "";
  /** Whether a hand is or was at work: what fails from then on may be its doing. */
  handBegan = false;

  constructor(context: ClaimContext, grant: Grant, log: TaskLog, signal: AbortSignal) {
    this.#context = context;
    this.#grant = grant;
    this.#log = log;
    this.#signal = signal;
    const { merges } = grant.task.metadata;
    this.#merges = typeof merges === "string" && COMMIT.test(merges) ? merges : undefined;
    this.#tip = grant.tip;
    this.#parents = this.#begun(grant.tip);
  }

  /** Sets the tree to the commit that was granted, and merges in what the task is to merge. */
  async begin(): Promise<void> {
    await this.#beginAt(this.#grant.tip);
  }

  async #beginAt(tip: string): Promise<void> {
    const { tree, hello } = this.#context;
    await tree.reset(hello.voyage.branch, tip, this.#signal);
    [this.#tip, this.#parents] = [tip, this.#begun(tip)];
    if (this.#merges === undefined) return;
    await tree.fetchMerged(this.#merges, this.#signal);
    await tree.mergeForHand(this.#merges, this.#signal);
  }

  /** The parents of a commit of the tree as it was begun. */
  #begun(tip: string): string[] {
    return this.#merges === undefined ? [tip] : [tip, this.#merges];
  }

  /**
   * Offers the tree as it lies; nothing may write to it meanwhile. Throws Halt, HelmRefusal, and what git says.
   *
   * @param seconds how long the hand has worked
   */
  async offer(summary: string, seconds: number): Promise<Offered> {
    const { tree, helm, claim, journal } = this.#context;
    const { task, epoch } = this.#grant;
    const signal = this.#signal;
    const { commit, ignored } = await tree.commit(this.#parents, message(this.#context, this.#grant, summary), signal);
    this.#commit = commit;
    claim.stir();
    const check = await this.#check();
    if (check && check.exitCode !== 0) return { kind: "check-failed", ...check };

    const [stat] = await Promise.all([tree.shortStat(this.#tip, commit, signal), tree.push(commit, task.id, epoch, signal)]);
    const outside = ignored.length > 0 && `ignored by git, so in no commit: ${namesOf(ignored)}`;
    const aside = await tree.saveAside(commit, signal);
    const told = [summary.slice(0, 3000), stat, outside, aside].filter(Boolean).join("; ").slice(0, 4000);
    const body = { task: task.id, epoch, commit, summary: told, check, seconds };
    const reply = await claim.end(async () => {
      const answer = await helm.call("accept", body, { totalMs: ACCEPT_MS, signal });
      if (answer.kind === "accepted") claim.drop();
      return answer;
    });
    if (reply.kind === "accepted") {
      const facts = { task: task.id, epoch, commit, tip: reply.tip, seconds, ignored: ignored.slice(0, 100) };
      journal.note("accepted", `task ${task.id}  accepted: ${told || "no change"}`, facts);
      return { kind: "accepted", tip: reply.tip, summary: told };
    }
    const facts = { task: task.id, epoch, tip: reply.tip };
    journal.note("conflict", `task ${task.id}  other ships changed ${reply.files.join(", ")} meanwhile`, facts);
    return reply;
  }

  /**
   * Merges `tip` in, after a conflict. Returns false when texts conflict: then the tree is that of `tip`, and the work
   * is to be done again.
   */
  async mergeOrStartAnew(tip: string): Promise<boolean> {
    const { tree, hello } = this.#context;
    await tree.fetch(hello.voyage.branch, this.#signal);
    const merged = await tree.merge(tip, this.#signal);
    if (merged) this.#builtOn(tip);
    else await this.#beginAt(tip);
    return merged;
  }

  /** Merges `tip` into the tree, after a conflict, and returns the files whose conflict is left to the hand. */
  async mergeForHand(tip: string): Promise<string[]> {
    const { tree, hello } = this.#context;
    await tree.fetch(hello.voyage.branch, this.#signal);
    const files = await tree.mergeForHand(tip, this.#signal);
    this.#builtOn(tip);
    return files;
  }

  #builtOn(tip: string): void {
    [this.#tip, this.#parents] = [tip, [this.#commit, tip]];
  }

  /** Returns those of `files` that still hold a conflict's marks. */
  unresolved(files: readonly string[]): Promise<string[]> {
    return this.#context.tree.unresolved(files, this.#signal);
  }

  /**
   * Runs the task's check, as the helm's ledger has it, in the tree as committed; null when the task has none. A
   * timeout counts as a failure.
   */
  async #check(): Promise<{ exitCode: number; output: string } | null> {
    if (this.#grant.check === null) return null;
    const ran = await run({
      argv: ["bash", "-c", this.#grant.check],
      cwd: this.#context.tree.folder,
      env: handEnvironment(this.#context, this.#grant),
      timeoutMs: CHECK_MS,
      // The check has a mark of its own below the ship's, so that its end does not end a hand that waits for it.
      mark: `${this.#context.ship.mark}/check`,
      signal: this.#signal,
      onOutput: (chunk) => {
        this.#context.claim.stir();
        this.#log.write(chunk);
      },
    });
    return { exitCode: ran.timedOut ? 124 : (ran.exitCode ?? 137), output: ran.tail };
  }
}

function message({ ship }: ClaimContext, { task }: Grant, summary: string): string {
  const subject = task.subject.replace(/\s+/g, " ").trim();
  const body = summary ? `${summary}\n\n` : "";
  return `${subject}\n\n${body}Task: ${task.id}\nShip: ${ship.config.ship}\nVoyage: ${ship.config.voyageId}\n`;
}
