import type { AcceptReply, Grant } from "../../lib/protocol/ship-api.ts";
import { run } from "../machine/run.ts";
import type { TaskLog } from "../machine/task-log.ts";
import { namesOf } from "../tree/names.ts";
import { type Deck, handEnvironment, settle } from "./context.ts";

const CHECK_MS = 10 * 60_000;
/** A merge may take long, and others may have their turn first; that the helm is there, heartbeats say. */
const ACCEPT_MS = 30 * 60_000;

/** What became of one offer of the tree. Only `accepted` has ended the claim. */
export type Offered =
  | { kind: "accepted"; tip: string; summary: string }
  | { kind: "check-failed"; exitCode: number; output: string }
  | { kind: "conflict"; tip: string; files: string[] };

/** One claim's way from the tree to the branch: commit, check, push, accept (design 8). */
export class Delivery {
  readonly #deck: Deck;
  readonly #grant: Grant;
  readonly #log: TaskLog;
  readonly #signal: AbortSignal;
  #parents: string[];
  #commit = "";
  /** A hand is at work, or was: what fails from here on may be its doing. */
  handBegan = false;

  constructor(deck: Deck, grant: Grant, log: TaskLog, signal: AbortSignal) {
    this.#deck = deck;
    this.#grant = grant;
    this.#log = log;
    this.#signal = signal;
    this.#parents = [grant.tip];
  }

  /** The tree as it was granted, without what lies in it. */
  async begin(): Promise<void> {
    await this.#deck.tree.reset(this.#deck.hello.voyage.branch, this.#grant.tip, this.#signal);
  }

  /** Offers the tree as it lies; nothing may write to it meanwhile. Throws Halt, Refused, and what git says. */
  async offer(summary: string, seconds: number): Promise<Offered> {
    const { tree, helm, heartbeat } = this.#deck;
    const { task, epoch } = this.#grant;
    const signal = this.#signal;
    const { commit, ignored } = await tree.commit(this.#parents, message(this.#deck, this.#grant, summary), signal);
    this.#commit = commit;
    const check = await this.#check();
    if (check && check.exitCode !== 0) return { kind: "check-failed", ...check };

    await tree.push(commit, task.id, epoch, signal);
    const stat = await tree.shortStat(this.#parents.at(-1)!, commit, signal);
    const outside = ignored.length > 0 && `ignored by git, so in no commit: ${namesOf(ignored)}`;
    const aside = await tree.saveAside(commit, signal);
    const told = [summary.slice(0, 3000), stat, outside, aside].filter(Boolean).join("; ").slice(0, 4000);
    const body = { task: task.id, epoch, commit, summary: told, check, seconds };
    const reply = await settle(this.#deck, async () => {
      const answer = await helm.call<AcceptReply>("accept", body, { totalMs: ACCEPT_MS, signal });
      // From here no heartbeat may speak of it: the helm would say that it is not ours.
      if (answer.kind === "accepted") heartbeat.claim = null;
      return answer;
    });
    if (reply.kind === "accepted") {
      const facts = { task: task.id, epoch, commit, tip: reply.tip, seconds, ignored: ignored.slice(0, 100) };
      this.#deck.journal.note("accepted", `task ${task.id}  accepted: ${told || "no change"}`, facts);
      return { kind: "accepted", tip: reply.tip, summary: told };
    }
    this.#deck.journal.note("conflict", `task ${task.id}  others changed ${reply.files.join(", ")} meanwhile`, {
      task: task.id,
      epoch,
      tip: reply.tip,
    });
    return reply;
  }

  /** After a conflict: merges `tip` in. False when texts conflict; then the tree is that of `tip`, and the work is to be done again. */
  async mergeOrStartAnew(tip: string): Promise<boolean> {
    const { tree, hello } = this.#deck;
    await tree.fetch(hello.voyage.branch, this.#signal);
    const merged = await tree.merge(tip, this.#signal);
    if (!merged) await tree.reset(hello.voyage.branch, tip, this.#signal);
    this.#parents = merged ? [this.#commit, tip] : [tip];
    return merged;
  }

  /** After a conflict: merges `tip` into the tree and returns the files whose conflict is left to the hand. */
  async mergeForHand(tip: string): Promise<string[]> {
    const { tree, hello } = this.#deck;
    await tree.fetch(hello.voyage.branch, this.#signal);
    const files = await tree.mergeForHand(tip, this.#signal);
    this.#parents = [this.#commit, tip];
    return files;
  }

  /** Those of `files` that still hold a conflict's marks. */
  unresolved(files: readonly string[]): Promise<string[]> {
    return this.#deck.tree.unresolved(files, this.#signal);
  }

  /** The plan's own check, from the ledger's copy (design 11), in the tree as committed. A timeout counts as a failure. */
  async #check(): Promise<{ exitCode: number; output: string } | null> {
    if (this.#grant.check === null) return null;
    const ran = await run({
      argv: ["bash", "-c", this.#grant.check],
      cwd: this.#deck.tree.folder,
      env: handEnvironment(this.#deck, this.#grant),
      timeoutMs: CHECK_MS,
      // A mark of its own below the ship's: its end must not end a hand that waits for it.
      mark: `${this.#deck.ship.mark}/check`,
      signal: this.#signal,
      onOutput: this.#log.write,
    });
    return { exitCode: ran.timedOut ? 124 : (ran.exitCode ?? 137), output: ran.tail };
  }
}

function message({ ship }: Deck, { task }: Grant, summary: string): string {
  const subject = task.subject.replace(/\s+/g, " ").trim();
  const body = summary ? `${summary}\n\n` : "";
  return `${subject}\n\n${body}Task: ${task.id}\nShip: ${ship.config.ship}\nVoyage: ${ship.config.voyageId}\n`;
}
