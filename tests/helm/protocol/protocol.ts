import fc from "fast-check";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { makePlan } from "../../support/helm-voyage.ts";
import { Model } from "./model.ts";
import { Network, Ship } from "./ships.ts";
import { nextTurn, World } from "./world.ts";

/**
 * Tries the protocol under a network that drops, delays and repeats, with ships that freeze and a helm that dies,
 * against the reference model.
 */

const SHIPS = 3;
const GRAPHS: Record<string, string[]>[] = [
  { "1": [] },
  { "1": [], "2": ["1"] },
  { "1": [], "2": [], "3": ["1", "2"] },
  { "1": [], "2": ["1"], "3": ["1"], "4": ["2", "3"], "5": [] },
];

const ship = fc.nat(SHIPS - 1);
const pick = fc.nat(9);
const choice = fc.constantFrom("work", "work", "work", "heartbeat", "fail", "hand-back", "give-up", "forget");
const action = fc.oneof(
  // The ship asks, and gets an answer at once: that is what mostly happens.
  { weight: 10, arbitrary: fc.record({ do: fc.constant("talk" as const), ship, choice }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("send" as const), ship, choice }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("deliver" as const), pick, copies: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("hear" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drop" as const), pick }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("git" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("time" as const), seconds: fc.integer({ min: 1, max: 14 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("jump" as const), seconds: fc.integer({ min: 6, max: 4000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("freeze" as const), ship }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("kill-helm" as const), ship, gates: fc.nat(3), turns: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fence" as const), ship, wait: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("register" as const), ship, anew: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release-task" as const), pick }) },
);
/**
 * The captain adds tasks beside the plan, cancels them, retries, and brings in the plan with its last task or without.
 */
const captains = fc.oneof(
  { weight: 40, arbitrary: action },
  {
    weight: 5,
    arbitrary: fc.record({
      ...{ do: fc.constant("add" as const), signature: fc.nat(5), after: fc.array(pick, { maxLength: 3 }), urgent: fc.boolean() },
      /** After so many turns of its event loop the helm dies, and the captain asks again. */
      dies: fc.option(fc.nat(2), { nil: null }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("retry" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("plan" as const), whole: fc.boolean() }) },
);
type Action = typeof captains extends fc.Arbitrary<infer T> ? T : never;

/**
 * Throws with a sequence of events that breaks one of the model's rules: the shortest that fast-check finds, or, for
 * who only asks whether there is one, the `first`.
 */
export async function checkProtocol(options: {
  runs: number;
  seed?: number;
  length?: number;
  first?: boolean;
  /** Whether the captain changes the tasks meanwhile. */
  changes?: boolean;
}): Promise<void> {
  const property = fc.asyncProperty(
    fc.constantFrom(...GRAPHS),
    fc.array<Action>(options.changes ? captains : action, { minLength: 10, maxLength: options.length ?? 90 }),
    sail,
  );
  await fc.assert(property, {
    numRuns: options.runs,
    endOnFailure: options.first ?? false,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  });
}

async function sail(graph: Record<string, string[]>, actions: Action[]): Promise<void> {
  const world = new World();
  try {
    await world.start();
    // Some tasks touch the same files, which may change the order of grants and nothing else.
    const touches = (id: string) => [`${Number(id) % 2}.ts`];
    const metadata = Object.fromEntries(Object.keys(graph).map((id) => [id, { tries: 1_000_000, touches: touches(id) }]));
    const plan = (whole: boolean) => makePlan(whole ? graph : withoutLast(graph), { metadata });
    await world.register(plan(true));
    const model = new Model(world, graph);
    const network = new Network(world, model);
    const ships = Array.from({ length: SHIPS }, (_, index) => new Ship(`ship-${index}`));
    for (const one of ships) one.token = await world.through(world.voyage.crews.register(one.name, one.incarnation));

    for (const one of actions) {
      if (one.do === "plan") {
        await world.register(plan(one.whole));
        model.planned();
      } else await act(world, model, network, ships, one);
      if (network.failure) throw network.failure;
    }
    await world.register(plan(true));
    await comeHome(world, model, network, ships);
  } finally {
    world.close();
  }
}

/** The graph without its last task, for which no other waits. */
function withoutLast(graph: Record<string, string[]>): Record<string, string[]> {
  const ids = Object.keys(graph);
  return ids.length === 1 ? graph : Object.fromEntries(ids.slice(0, -1).map((id) => [id, graph[id]!]));
}

async function act(
  world: World,
  model: Model,
  network: Network,
  ships: Ship[],
  one: Exclude<Action, { do: "plan" }>,
): Promise<void> {
  switch (one.do) {
    case "send":
      return network.act(ships[one.ship]!, one.choice);
    case "talk": {
      const late = network.requests.splice(0);
      const lateReplies = network.replies.splice(0);
      network.act(ships[one.ship]!, one.choice);
      await network.drain();
      network.requests.unshift(...late);
      network.replies.unshift(...lateReplies);
      return;
    }
    case "deliver": {
      const [message] = network.requests.splice(one.pick % Math.max(1, network.requests.length), 1);
      for (let copy = 0; message && copy < one.copies; copy++) network.deliver(message);
      return nextTurn();
    }
    case "hear": {
      const [reply] = network.replies.splice(one.pick % Math.max(1, network.replies.length), 1);
      if (reply) network.hear(reply);
      return nextTurn();
    }
    case "drop":
      if (one.pick % 2) network.requests.splice(one.pick % Math.max(1, network.requests.length), 1);
      else network.replies.splice(one.pick % Math.max(1, network.replies.length), 1);
      return;
    case "git":
      world.openGate();
      return nextTurn();
    case "time":
      for (let second = 0; second < one.seconds; second++) {
        world.ms += 1000;
        world.voyage.tick();
        await nextTurn();
      }
      return;
    case "jump":
      world.ms += one.seconds * 1000;
      world.voyage.tick();
      return nextTurn();
    case "freeze":
      ships[one.ship]!.frozen = !ships[one.ship]!.frozen;
      return;
    case "kill-helm": {
      // It dies in the middle of something: so many git commands and turns of its event loop after a request came in.
      network.act(ships[one.ship]!, "work");
      for (const message of network.requests.splice(-1)) network.deliver(message);
      for (let gate = 0; gate < one.gates; gate++) {
        await nextTurn();
        await nextTurn();
        world.openGate();
      }
      for (let turn = 0; turn < one.turns; turn++) await nextTurn();
      world.kill();
      await world.start();
      return model.started();
    }
    case "fence": {
      const target = ships[one.ship]!;
      const fenced = world.voyage.crews.fence(target.name, target.incarnation, "test");
      if (one.wait) await world.through(fenced);
      else background(world, network, fenced);
      return;
    }
    case "register":
      return register(world, ships[one.ship]!, one.anew);
    case "add": {
      const rows = world.voyage.ledger.tasks().filter((row) => row.status !== "cancelled");
      const after = one.after.map((at) => rows[at % rows.length]!.id);
      const signature = `s${one.signature}`;
      const ask = { subject: signature, description: "", after, urgent: one.urgent, signature };
      if (one.dies !== null) {
        world.voyage.addTask(ask).catch(() => {});
        for (let turn = 0; turn < one.dies; turn++) await nextTurn();
        world.kill();
        await world.start();
        model.started();
      }
      // The ledger may have it from before its death, with what it waited for then.
      return model.added(signature, await world.through(world.voyage.addTask(ask)));
    }
    case "cancel": {
      const id = model.followUp(one.pick);
      if (id === undefined) return;
      const cancelled = world.voyage.cancelTask(id);
      return model.cancelled(await world.through(cancelled).catch(refusedOr(null)));
    }
    case "retry": {
      const rows = world.voyage.ledger.tasks();
      await world.through(world.voyage.retry(rows[one.pick % rows.length]!.id));
      return;
    }
    case "release-task": {
      const tasks = world.voyage.ledger.tasks();
      background(world, network, world.voyage.releaseTask(tasks[one.pick % tasks.length]!.id, "test"));
    }
  }
}

/**
 * Puts a ship in order as `up` does: a new VM, or the same one launched again. What the ship was about to do is
 * forgotten only with the VM.
 */
async function register(world: World, one: Ship, anew: boolean): Promise<void> {
  if (anew) {
    const [name, number] = one.incarnation.split(/-(?=\d+$)/);
    one.incarnation = `${name}-${Number(number) + 1}`;
    one.claim = null;
    one.waitsFor = null;
  }
  one.token = await world.through(world.voyage.crews.register(one.name, one.incarnation));
}

/** Puts everything in order; then all tasks must come to their end. */
async function comeHome(world: World, model: Model, network: Network, ships: Ship[]): Promise<void> {
  for (const one of ships) one.frozen = false;
  await network.drain();
  for (const one of ships) await register(world, one, true);
  for (let round = 0; round < 40; round++) {
    for (const one of ships) network.act(one, "work");
    await network.drain();
    world.ms += 1000;
    world.voyage.tick();
  }
  model.finished();
}

/** Takes the refusal of an order, which the state of a task may call for; any other error is one. */
const refusedOr =
  <T>(otherwise: T) =>
  (error: unknown): T => {
    if (error instanceof OcaptainError && error.code === "TASK_STATUS") return otherwise;
    throw error;
  };

/** Lets a job run on while other things happen, until it dies with the helm. */
function background(world: World, network: Network, job: Promise<unknown>): void {
  const { generation } = world;
  job.catch((error) => {
    if (generation === world.generation) network.failure ??= error;
  });
}
