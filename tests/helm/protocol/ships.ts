import { HttpError } from "../../../helm/http-error.ts";
import { Refused } from "../../../helm/ledger/refused.ts";
import type { AcceptReply, AcceptRequest, ClaimReply, Grant, ReleaseRequest } from "../../../lib/protocol/ship-claims.ts";
import type { Model } from "./model.ts";
import { nextTurn, type World } from "./world.ts";

type Call = "hello" | "claim" | "heartbeat" | "accept" | "release";
type Message = { ship: Ship; call: Call; body: { requestId: string } & Record<string, unknown> };
type Reply = { ship: Ship; message: Message; ok: unknown } | { ship: Ship; message: Message; refused: string };

let requests = 0;

/**
 * A ship without scruples: it never stops its hand by itself, goes on after any silence, asks again, gives up and
 * forgets at any moment. What holds for it holds for the real one.
 */
export class Ship {
  readonly name: string;
  incarnation: string;
  token = "";
  frozen = false;
  claim: Grant | null = null;
  waitsFor: Message | null = null;
  base = "";

  constructor(name: string) {
    this.name = name;
    this.incarnation = `${name}-1`;
  }
}

/** The network between ships and helm: what is sent may arrive late, twice, or never; and so may its answer. */
export class Network {
  readonly #world: World;
  readonly #model: Model;
  requests: Message[] = [];
  replies: Reply[] = [];
  /** An objection of the model, raised where nobody awaits it. */
  failure: unknown;

  constructor(world: World, model: Model) {
    this.#world = world;
    this.#model = model;
  }

  send(ship: Ship, call: Call, body: Record<string, unknown>): void {
    const message: Message = { ship, call, body: { requestId: `request-${++requests}`, incarnation: ship.incarnation, ...body } };
    if (call !== "heartbeat") ship.waitsFor = message;
    this.requests.push(message);
  }

  /** Brings a request to the helm; its answer, if one ever comes, is put on the way. */
  deliver(message: Message): void {
    const { generation, voyage } = this.#world;
    const answer = this.#handle(voyage, message);
    answer.then(
      (reply) => generation === this.#world.generation && this.replies.push(reply),
      (error) => {
        if (generation === this.#world.generation) this.failure ??= error;
      },
    );
  }

  async #handle(voyage: World["voyage"], message: Message): Promise<Reply> {
    const { ship, call, body } = message;
    const caller = voyage.ledger.lifeOfToken(ship.token);
    try {
      if (!caller) return { ship, message, refused: "unauthorized" };
      if (caller.fenced) return { ship, message, refused: "fenced" };
      if (call === "claim") {
        const reply = await voyage.calls.answer("claim", caller, body as never);
        this.#model.claimed(caller.life, body.requestId, reply);
        return { ship, message, ok: reply };
      }
      if (call === "accept" || call === "release") {
        const check = this.#model.ending(call, caller.life, body as unknown as AcceptRequest | ReleaseRequest);
        const reply = await voyage.calls.answer(call, caller, body as never);
        check(reply as AcceptReply);
        return { ship, message, ok: reply };
      }
      return { ship, message, ok: await voyage.calls.answer(call, caller, body as never) };
    } catch (error) {
      // Another task goes first: there is no answer, and the ship asks again.
      if (error instanceof HttpError && error.status === 503) return new Promise(() => {});
      if (error instanceof Refused) return { ship, message, refused: error.refusal.error };
      throw error;
    }
  }

  /** Brings a reply to its ship; one for which the ship does not wait any more is not even looked at. */
  hear(reply: Reply): void {
    const { ship, message } = reply;
    if (ship.frozen) {
      this.replies.push(reply);
      return;
    }
    if (message.call === "heartbeat") {
      if ("refused" in reply) ship.claim = null;
      return;
    }
    if (ship.waitsFor?.body.requestId !== message.body.requestId) return;
    ship.waitsFor = null;
    if ("refused" in reply) {
      ship.claim = null;
      return;
    }
    if (message.call === "claim") {
      const claim = reply.ok as ClaimReply;
      ship.claim = claim.kind === "grant" ? claim.grant : null;
      ship.base = claim.kind === "grant" ? claim.grant.tip : "";
    } else if (message.call === "accept") {
      const accept = reply.ok as AcceptReply;
      if (accept.kind === "accepted") ship.claim = null;
      else ship.base = accept.tip;
    } else if (message.call === "release") ship.claim = null;
  }

  /** Lets the ship do what it does next by itself. */
  act(ship: Ship, choice: "work" | "heartbeat" | "fail" | "hand-back" | "give-up" | "forget"): void {
    if (ship.frozen) return;
    const { claim } = ship;
    const held = claim && { task: claim.task.id, epoch: claim.epoch };
    if (choice === "heartbeat") this.send(ship, "heartbeat", { claim: held });
    else if (choice === "give-up") ship.waitsFor = null;
    else if (choice === "forget") {
      ship.waitsFor = null;
      ship.claim = null;
    } else if (ship.waitsFor) this.requests.push(ship.waitsFor);
    else if (!held) this.send(ship, "claim", {});
    else if (choice === "work") {
      const needsTip = held.epoch % 2 === 1;
      const commit = this.#world.push(`${ship.name}/${held.task}-${held.epoch}`, {
        ship: ship.name,
        ...held,
        base: ship.base,
        needsTip,
      });
      this.send(ship, "accept", { ...held, commit, summary: "", check: null, seconds: 1 });
    } else this.send(ship, "release", { ...held, reason: "x", failed: choice === "fail" });
  }

  /** Delivers what is on the way until nothing is; git works meanwhile. */
  async drain(): Promise<void> {
    for (let quiet = 0; quiet < 4; ) {
      const moving = this.requests.length + this.replies.filter((reply) => !reply.ship.frozen).length > 0;
      for (const message of this.requests.splice(0)) this.deliver(message);
      for (const reply of this.replies.splice(0)) this.hear(reply);
      this.#world.openGate();
      await nextTurn();
      if (this.failure) throw this.failure;
      quiet = moving ? 0 : quiet + 1;
    }
  }
}
