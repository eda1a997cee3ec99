import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { runs } from "../support/runs.ts";
import { boardPaperShip, openPaperVoyage, scratchFolder } from "./paper.ts";

/** These tests are of the order of grants where the plan says what tasks touch. */

const TIMING = { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 450, lingerSeconds: 1 };
type Graph = Record<string, string[]>;
type Metadata = Record<string, Record<string, unknown>>;

let scratch: ReturnType<typeof scratchFolder>;
let count = 0;
let voyage: Voyage;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => {
  voyage.ledger.close();
  scratch.remove();
});

const newFile = () => join(scratch.folder, `${count++}.sqlite`);
async function sail(graph: Graph, metadata: Metadata, file = newFile()): Promise<void> {
  voyage = await openPaperVoyage({ file, graph, metadata, timing: TIMING });
}
const register = (graph: Graph, metadata: Metadata) =>
  voyage.register({ stack: "v", plan: makePlan(graph, { metadata }), hand: "rehearsal", timing: TIMING });
const board = (name: string) => boardPaperShip(voyage, name);
type Ship = Awaited<ReturnType<typeof board>>;
/** The id of the task that the ship is granted; null when it is given nothing. */
async function granted(ship: Ship): Promise<string | null> {
  const reply = await ship.claim();
  return reply.kind === "grant" ? reply.grant.task.id : null;
}

test("of the free tasks those that overlap with a task at work come last, and are granted when no other is free", async () => {
  const graph = { "1": [], "2": [], "3": [], "4": [], "5": [], "6": ["2"] };
  await sail(graph, {
    "1": { touches: ["src/**"] },
    "2": { touches: ["src/a.ts"] }, // the longest chain waits on it, and it overlaps with 1 all the same
    "3": { files: ["src/b.ts"] },
    "4": { touches: ["docs/**"] },
  });
  const ships = await Promise.all(["0", "1", "2", "3", "4"].map((number) => board(`ship-${number}`)));
  const [a, b, c, d, e] = ships as [Ship, Ship, Ship, Ship, Ship];
  // Nobody is at work: the order is that of the graph.
  expect(await granted(a)).toBe("2");
  expect(await granted(b)).toBe("3");
  // 1 overlaps with both. 5 says nothing of what it touches, and so waits for none.
  expect(await granted(c)).toBe("4");
  expect(await granted(d)).toBe("5");
  expect(await granted(e)).toBe("1");

  // A claim that ends, in whatever way, is overlapped with no more.
  await c.accept("4", 1);
  await e.release("1", 1);
  await a.accept("2", 1);
  expect(await granted(c)).toBe("6");
  expect(await granted(a)).toBe("1");
});

test("a session that chooses its tasks itself is told those first that overlap with none, and gets the one it asks for", async () => {
  const touches = { touches: ["src/**"] };
  await sail({ "1": [], "2": [], "3": [] }, { "1": touches, "2": touches });
  const [ship, other] = [await board("ship-0"), await board("ship-1")];
  expect(await granted(ship)).toBe("1");
  const ask = (only: string) =>
    voyage.calls.answer("claim", other.caller, { requestId: `request-${only}`, incarnation: other.caller.incarnation, only });
  expect(await ask("verify")).toMatchObject({ kind: "nothing", free: ["3", "2"] });
  expect(await ask("2")).toMatchObject({ kind: "grant", grant: { task: { id: "2" } } });
});

test("a ledger of an earlier helm, which knows nothing of overlaps, goes on", async () => {
  const file = newFile();
  await sail({ "1": [], "2": [] }, {}, file);
  const { store } = voyage.ledger;
  await voyage.ledger.write(() => {
    store.run("DELETE FROM meta WHERE key = 'planRevision'");
    store.run("DROP TABLE deliveries");
  });
  voyage.ledger.close();

  await sail({ "1": [], "2": [], "3": [] }, { "1": { touches: ["a"] }, "2": { touches: ["a"] } }, file);
  const [ship, other] = [await board("ship-0"), await board("ship-1")];
  expect(await granted(ship)).toBe("1");
  expect(await granted(other)).toBe("3");
  expect(await ship.accept("1", 1)).toMatchObject({ kind: "accepted" });
});

/** What a plan may say that a task touches, and the paths that are meant by it. */
const TOUCHES: Record<string, string[]> = {
  "a/x.ts": ["a/x.ts"],
  "a/*": ["a/x.ts", "a/y.ts"],
  "b/**": ["b/x.ts", "b/y.ts", "b/c/x.ts"],
  "**/x.ts": ["a/x.ts", "b/x.ts", "b/c/x.ts"],
  "?/y.ts": ["a/y.ts", "b/y.ts"],
  "**": ["a/x.ts", "a/y.ts", "b/x.ts", "b/y.ts", "b/c/x.ts", "c"],
};
const SHIPS = 4;
const touchesArb = fc.array(fc.constantFrom(...Object.keys(TOUCHES)), { maxLength: 2 });
const tasksArb = fc
  .array(fc.record({ waits: fc.array(fc.nat(20), { maxLength: 2 }), touches: touchesArb }), { minLength: 1, maxLength: 9 })
  .map((tasks) =>
    tasks.map(({ waits, touches }, index) => ({ blockers: [...new Set(waits)].filter((at) => at < index), touches })),
  );
const ship = fc.nat(SHIPS - 1);
const actionArb = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("claim" as const), ship }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("accept" as const), ship }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), ship }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("replan" as const), touches: fc.array(touchesArb, { minLength: 9, maxLength: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);

test("each grant is of the task that the rule names, none is left over, and none is granted to two or done twice", async () => {
  await fc.assert(
    fc.asyncProperty(tasksArb, fc.array(actionArb, { maxLength: 40 }), async (tasks, actions) => {
      const model = new Model(tasks.map(({ blockers }) => blockers));
      let metadata = metadataOf(tasks.map(({ touches }) => touches));
      const file = newFile();
      await sail(model.graph, metadata, file);
      try {
        model.replan(metadata);
        let ships = await Promise.all(Array.from({ length: SHIPS }, (_, number) => board(`ship-${number}`)));
        const claim = async (number: number) => {
          const expected = model.expected(number);
          expect(await granted(ships[number]!)).toBe(expected);
          if (expected !== null) model.claim(number, expected);
        };
        const end = async (number: number, how: "accept" | "release") => {
          const held = model.held.get(number);
          if (!held) return;
          const reply = await ships[number]![how](held.id, held.epoch);
          expect(reply).toMatchObject(how === "accept" ? { kind: "accepted" } : { status: "pending" });
          model.end(number, how === "accept");
        };
        for (const action of actions) {
          if (action.do === "claim") await claim(action.ship);
          else if (action.do === "replan") {
            metadata = metadataOf(action.touches.slice(0, tasks.length));
            await register(model.graph, metadata);
            model.replan(metadata);
          } else if (action.do === "restart") {
            voyage.ledger.close();
            await sail(model.graph, metadata, file);
            ships = await Promise.all(Array.from({ length: SHIPS }, (_, number) => board(`ship-${number}`)));
          } else await end(action.ship, action.do);
        }
        // No ship is idle while a task is free, so that many rounds are enough for all.
        for (let round = 0; round < tasks.length; round++) {
          for (let number = 0; number < SHIPS; number++) await claim(number);
          for (let number = 0; number < SHIPS; number++) await end(number, "accept");
        }
        expect(model.accepted.size).toBe(tasks.length);
        expect(voyage.ledger.counts().accepted).toBe(tasks.length);
      } finally {
        voyage.ledger.close();
      }
    }),
    { numRuns: runs(50, 15) },
  );
}, 120_000);

const metadataOf = (touches: readonly string[][]): Metadata =>
  Object.fromEntries(
    touches.map((globs, index) => [String(index + 1), { tries: 1_000, ...(globs.length > 0 && { touches: globs }) }]),
  );

/** The rule of docs/protocol.md in the plainest words: all of it is worked out anew for each grant. */
class Model {
  readonly graph: Graph;
  readonly accepted = new Set<string>();
  /** What each ship holds, with the paths that it touched by the plan of its grant. */
  readonly held = new Map<number, { id: string; epoch: number; paths: string[] }>();
  readonly #epochs = new Map<string, number>();
  #metadata: Metadata = {};

  constructor(blockers: number[][]) {
    this.graph = Object.fromEntries(blockers.map((list, index) => [String(index + 1), list.map((at) => String(at + 1))]));
  }

  replan(metadata: Metadata): void {
    this.#metadata = metadata;
  }

  /** The task that the ship must be granted now; null when none is free. */
  expected(ship: number): string | null {
    const mine = this.held.get(ship);
    if (mine) return mine.id;
    const taken = new Set([...this.held.values()].map(({ id }) => id));
    const free = Object.keys(this.graph)
      .filter((id) => !this.accepted.has(id) && !taken.has(id) && this.graph[id]!.every((blocker) => this.accepted.has(blocker)))
      .sort((a, b) => this.#height(b) - this.#height(a) || Number(a) - Number(b));
    const alone = free.filter(
      (id) => ![...this.held.values()].some(({ paths }) => paths.some((path) => this.#paths(id).includes(path))),
    );
    return alone[0] ?? free[0] ?? null;
  }

  claim(ship: number, id: string): void {
    if (this.held.get(ship)?.id === id) return;
    const epoch = (this.#epochs.get(id) ?? 0) + 1;
    this.#epochs.set(id, epoch);
    this.held.set(ship, { id, epoch, paths: this.#paths(id) });
  }

  end(ship: number, isAccepted: boolean): void {
    const { id } = this.held.get(ship)!;
    this.held.delete(ship);
    if (isAccepted) this.accepted.add(id);
  }

  #paths = (id: string) => ((this.#metadata[id]?.touches ?? []) as string[]).flatMap((glob) => TOUCHES[glob]!);
  #height = (id: string): number =>
    1 +
    Math.max(
      0,
      ...Object.keys(this.graph)
        .filter((other) => this.graph[other]!.includes(id))
        .map((other) => this.#height(other)),
    );
}
