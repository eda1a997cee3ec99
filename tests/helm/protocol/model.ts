import assert from "node:assert/strict";
import type { AddedTask } from "../../../lib/protocol/admin-api.ts";
import type { AcceptRequest, ClaimReply, ReleaseRequest } from "../../../lib/protocol/ship-claims.ts";
import type { TaskRow } from "../../../lib/protocol/status.ts";
import type { World } from "./world.ts";

/**
 * The reference model: what was answered, and what must therefore be true ever after. It decides nothing; it only
 * objects.
 */
export class Model {
  readonly #world: World;
  /** For each `task/epoch` the life that was told that it has the claim. */
  readonly #granted = new Map<string, number>();
  readonly #newest = new Map<string, number>();
  readonly #accepted = new Map<string, string>();
  readonly #releases = new Set<string>();
  readonly #answers = new Map<string, ClaimReply>();
  readonly #delivered = new Set<string>();
  readonly #blockedBy: Record<string, readonly string[]>;
  /** The tasks that were added beside the plan, by their signatures, and all ids that a task has or had. */
  readonly #added = new Map<string, string>();
  readonly #ids: Set<string>;
  /** The tasks that were cancelled at some time, by the captain or by a plan: nothing waits for them for sure. */
  readonly #everCancelled = new Set<string>();
  readonly #cancelled = new Set<string>();

  constructor(world: World, blockedBy: Record<string, readonly string[]>) {
    this.#world = world;
    this.#blockedBy = { ...blockedBy };
    this.#ids = new Set(Object.keys(blockedBy));
    world.onMove = ({ task, epoch }) => {
      assert.ok(!world.history.some((commit) => commit.task === task), `task ${task} came onto the branch twice`);
      const life = this.#granted.get(`${task}/${epoch}`);
      assert.ok(life !== undefined, `task ${task} epoch ${epoch} was merged and never granted`);
      assert.equal(this.#fenced(life), false, `work of a fenced life was merged: task ${task} epoch ${epoch}`);
      assert.equal(epoch, this.#newest.get(task), `work of an older epoch was merged: task ${task} epoch ${epoch}`);
    };
  }

  /** Takes the answer to a claim. */
  claimed(life: number, request: string, reply: ClaimReply): void {
    const key = `${life}/${request}`;
    const before = this.#answers.get(key);
    if (before?.kind === "grant") assert.deepEqual(reply, before, "the same request got another answer");
    this.#answers.set(key, reply);
    if (reply.kind !== "grant") return;
    const { task, epoch, tip } = reply.grant;
    const holder = this.#granted.get(`${task.id}/${epoch}`);
    assert.ok(holder === undefined || holder === life, `task ${task.id} epoch ${epoch} was granted to two`);
    if (holder !== undefined) return;
    this.#granted.set(`${task.id}/${epoch}`, life);
    assert.ok(
      epoch > (this.#newest.get(task.id) ?? 0),
      `task ${task.id} was granted at epoch ${epoch} after ${this.#newest.get(task.id)}`,
    );
    this.#newest.set(task.id, epoch);
    assert.ok(!this.#accepted.has(task.id), `task ${task.id} was granted after it was accepted`);
    this.#endedInOrder(task.id, epoch - 1);
    const { history } = this.#world;
    const at = history.findIndex((commit) => commit.id === tip);
    for (const blocker of this.#blockedBy[task.id]!) {
      if (this.#everCancelled.has(blocker)) continue;
      const blockerAt = history.findIndex((commit) => commit.task === blocker);
      assert.ok(blockerAt >= 0 && blockerAt <= at, `task ${task.id} was granted on a tip without its blocker ${blocker}`);
    }
  }

  /**
   * Objects unless the claim before has ended, by its holder's word or by a fence that was through: marked, and its
   * mirror saved.
   */
  #endedInOrder(task: string, epoch: number): void {
    if (epoch === 0 || this.#releases.has(`${task}/${epoch}`)) return;
    const row = this.#granted.get(`${task}/${epoch}`);
    // It was granted, and the answer was lost with the helm's death: nobody knows to which life.
    if (row !== undefined) assert.ok(this.#fenced(row), `task ${task} was granted anew before the one who had it was fenced`);
    assert.ok(
      this.#world.rescued.has(`${task}/${epoch}`),
      `task ${task} was granted anew before refs/lost/${task}/${epoch} was saved`,
    );
  }

  /** Takes a release or accept before it reaches the helm; returns what takes its answer. */
  ending(
    call: "release" | "accept",
    life: number,
    ask: ReleaseRequest | AcceptRequest,
  ): (ok: { kind?: string; tip?: string }) => void {
    const key = `${life}/${ask.requestId}`;
    const repeated = this.#delivered.has(key);
    this.#delivered.add(key);
    const newest = this.#newest.get(ask.task) ?? 0;
    if (call === "release") this.#releases.add(`${ask.task}/${ask.epoch}`);
    return (reply) => {
      assert.ok(
        repeated || newest <= ask.epoch,
        `a ${call} of task ${ask.task} at epoch ${ask.epoch} was taken although epoch ${newest} was granted`,
      );
      if (call === "release" || reply.kind !== "accepted") return;
      const before = this.#accepted.get(ask.task);
      assert.ok(before === undefined || before === reply.tip, `task ${ask.task} was accepted twice`);
      this.#accepted.set(ask.task, reply.tip!);
      assert.ok(
        this.#world.history.some((commit) => commit.id === reply.tip),
        `task ${ask.task} was accepted and is not on the branch`,
      );
    };
  }

  /** Takes the answer to the captain who has added a task with this signature. */
  added(signature: string, { task, isNew }: AddedTask): void {
    const before = this.#added.get(signature);
    if (before !== undefined) {
      assert.deepEqual({ id: task.id, isNew }, { id: before, isNew: false }, `${signature} was added twice`);
      return;
    }
    assert.ok(!this.#ids.has(task.id), `task ${task.id} was added with an id that a task has already`);
    this.#added.set(signature, task.id);
    this.#ids.add(task.id);
    this.#blockedBy[task.id] = task.blockedBy;
  }

  /** One of the tasks that were added. */
  followUp = (pick: number): string | undefined => [...this.#added.values()][pick % Math.max(1, this.#added.size)];

  /** Takes the answer to the captain who has cancelled a task; null where that was refused. */
  cancelled(row: TaskRow | null): void {
    if (row === null) return;
    assert.ok(!this.#accepted.has(row.id), `task ${row.id} was cancelled after it was accepted`);
    this.#cancelled.add(row.id);
    this.#everCancelled.add(row.id);
  }

  /** Looks what a plan that was brought in has cancelled, which may be no task beside it. */
  planned(): void {
    const added = new Set(this.#added.values());
    for (const row of this.#world.voyage.ledger.tasks()) {
      // One that is claimed goes when it is given back.
      if (row.in_plan === 0) this.#everCancelled.add(row.id);
      if (added.has(row.id)) assert.equal(row.in_plan, this.#cancelled.has(row.id) ? 0 : 1, `a plan has changed task ${row.id}`);
    }
  }

  /** Objects, after a start of the helm, unless all that was ever answered is in the ledger. */
  started(): void {
    const { ledger } = this.#world.voyage;
    for (const [task, epoch] of this.#newest)
      assert.ok((ledger.task(task)?.epoch ?? 0) >= epoch, `the grant of task ${task} at epoch ${epoch} was answered and is lost`);
    for (const [task, commit] of this.#accepted)
      assert.equal(ledger.task(task)?.commit_id, commit, `the accept of task ${task} was answered and is lost`);
    for (const [signature, id] of this.#added)
      assert.ok(ledger.addedAt(id) !== undefined, `task ${id} of ${signature} was answered and is lost`);
    for (const id of this.#cancelled)
      assert.equal(ledger.task(id)?.status, "cancelled", `task ${id} was cancelled and has come back`);
  }

  /** Objects, when all is quiet, unless every task that is wanted is accepted and on the branch once. */
  finished(): void {
    const { ledger } = this.#world.voyage;
    const rows = ledger.tasks().filter((row) => !this.#cancelled.has(row.id));
    assert.deepEqual(
      rows.filter((row) => row.status !== "accepted").map((row) => `${row.id} ${row.status}`),
      [],
      "tasks are left",
    );
    const tasks = this.#world.history.slice(1).map((commit) => commit.task);
    assert.deepEqual(tasks.sort(), rows.map((row) => row.id).sort());
  }

  #fenced = (life: number) => !!this.#world.voyage.ledger.life(life)?.fenced;
}
