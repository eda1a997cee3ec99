import type { z } from "zod";
import type { ShipApi, ShipCall } from "../../lib/protocol/ship-api.ts";
import * as claims from "../ledger/claims.ts";
import type { Life } from "../ledger/ledger.ts";
import { Refused } from "../ledger/refused.ts";
import type { Accepting } from "./accepting.ts";
import type { VoyageContext } from "./context.ts";

type Body<Name extends ShipCall> = ShipApi[Name]["body"];
type Reply<Name extends ShipCall> = ShipApi[Name]["reply"];

/**
 * One call of the ship API. A request may come twice, since its answer may be lost: `idempotent` says what happens
 * then.
 */
export type Call<Name extends ShipCall> = {
  /** What the body must be. */
  schema: z.ZodType<Body<Name>>;
  /** The call is heard of a fenced life too. @default false */
  alsoFenced?: boolean;
} & (RunAgain<Name> | RunOnce<Name>);

/** A call that may run again with the same request: the second run changes nothing more. */
type RunAgain<Name extends ShipCall> = {
  idempotent: true;
  run: (caller: Life, ask: Body<Name>) => Reply<Name> | Promise<Reply<Name>>;
};

/** A call that must run once: its reply is stored with it, and given again to the same request. */
type RunOnce<Name extends ShipCall> = {
  idempotent: false;
  /**
   * Runs inside the one write of the ledger that stores the reply.
   * @param touched takes the tasks that have changed: their files are written
   */
  run: (caller: Life, ask: Body<Name>, touched: Set<string>) => Reply<Name>;
  /** It runs beside no move of the branch. @default false */
  alone?: boolean;
  /**
   * Says of a reply that the call has changed nothing: such a reply is kept in memory alone, as long as a ship may ask
   * again.
   */
  changedNothing?: (reply: Reply<Name>) => boolean;
  /** The files of tasks are written soon after the answer, and not before it. @default false */
  answersBeforeFiles?: boolean;
  /** Adds what goes with each answer and is not stored with each. */
  complete?: (reply: Reply<Name>, ask: Body<Name>) => Reply<Name>;
};

export type CallTable = { [Name in ShipCall]: Call<Name> };

/** How many replies that changed nothing are kept of each life: only the newest few can still be asked for again. */
const KEPT_IN_MEMORY = 32;

/**
 * Answers what ships ask of a voyage (lib/protocol/ship-api.ts). A caller is the life that its token was minted for.
 */
export class ShipCalls {
  readonly #context: VoyageContext;
  readonly #accepting: Accepting;
  readonly #table: CallTable;
  readonly #inMemory = new Map<number, Map<string, unknown>>();

  constructor(context: VoyageContext, accepting: Accepting, table: CallTable) {
    this.#context = context;
    this.#accepting = accepting;
    this.#table = table;
  }

  /** The call of that name; undefined when the ship API has none. */
  named(name: string): { name: ShipCall; schema: z.ZodType; alsoFenced: boolean } | undefined {
    if (!Object.hasOwn(this.#table, name)) return undefined;
    const { schema, alsoFenced = false } = this.#table[name as ShipCall];
    return { name: name as ShipCall, schema, alsoFenced };
  }

  /**
   * Answers one request, the same way each time that it comes.
   * @throws Refused when the ledger decides against it
   */
  async answer<Name extends ShipCall>(name: Name, caller: Life, ask: Body<Name>): Promise<Reply<Name>> {
    const call: Call<Name> = this.#table[name];
    if (!caller.fenced || !call.alsoFenced) this.#seen(caller, ask);
    return call.idempotent ? call.run(caller, ask) : this.#once(call, caller, ask);
  }

  async #once<Name extends ShipCall>(call: RunOnce<Name>, caller: Life, ask: Body<Name>): Promise<Reply<Name>> {
    const { ledger } = this.#context;
    const complete = (reply: Reply<Name>) => call.complete?.(reply, ask) ?? reply;
    const kept = this.#inMemory.get(caller.life)?.get(ask.requestId) as Reply<Name> | undefined;
    if (kept !== undefined) return complete(kept);
    const touched = new Set<string>();
    const write = () =>
      ledger.write(() => {
        const stored = ledger.reply<Reply<Name>>(caller.life, ask.requestId);
        if (stored !== undefined) return stored;
        claims.assertAlive(ledger, caller.life);
        const made = call.run(caller, ask, touched);
        return call.changedNothing?.(made) ? made : ledger.remember(caller.life, ask.requestId, made);
      });
    const reply = await (call.alone ? this.#accepting.alone(write) : write());
    if (call.changedNothing?.(reply)) this.#keep(caller.life, ask.requestId, reply);
    if (!call.answersBeforeFiles) await this.#context.changed(...touched);
    else if (touched.size > 0) void this.#context.changed(...touched);
    return complete(reply);
  }

  /** Keeps a reply that changed nothing. No request outlives the helm's own death, so memory is enough. */
  #keep(life: number, requestId: string, reply: unknown): void {
    const kept = this.#inMemory.get(life) ?? new Map<string, unknown>();
    kept.set(requestId, reply);
    if (kept.size > KEPT_IN_MEMORY) kept.delete(kept.keys().next().value!);
    this.#inMemory.set(life, kept);
  }

  #seen(caller: Life, ask: { incarnation: string; note?: string | undefined; quietSeconds?: number | undefined }): void {
    const { incarnation } = ask;
    if (caller.incarnation !== incarnation) {
      throw new Refused("wrong-incarnation", `this token is for ${caller.ship} (${caller.incarnation}), not for ${incarnation}`);
    }
    this.#context.liveness.seen(caller.life, ask);
    this.#context.leases.renew(caller.life);
  }

  /**
   * Notes that a presence stream of this life is open, until the returned function is called.
   * @param say sends a line on the stream
   * @throws Refused `fenced`
   */
  present(caller: Life, say: (line: object) => void): () => void {
    const { ledger, liveness } = this.#context;
    claims.assertAlive(ledger, caller.life);
    const close = liveness.open(caller.life, say);
    if (ledger.ship(caller.ship)?.stopping) say({ type: "stop", reason: "the captain says stop" });
    this.#context.notify();
    return () => {
      close();
      this.#context.notify();
    };
  }
}
