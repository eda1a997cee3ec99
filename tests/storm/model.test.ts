import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type * as HelmClientModule from "../../lib/daemons/helm-client.ts";
import { histories, type Kinds } from "./generate.ts";
import { describeHistory } from "./history.ts";
import { effect } from "./model/effects.ts";
import { EXAMPLES, exampleOf } from "./model/examples.ts";
import { type Machine, openMachine } from "./model/machine.ts";
import { play } from "./model/world.ts";

const world = vi.hoisted(() => ({ machine: null as Machine | null }));

vi.mock("../../lib/mutagen/voyage.ts", () => ({
  voyageMutagen: ({ voyageId }: { voyageId: string }) => world.machine!.mutagen(voyageId),
}));

/** Calls to the helm are effects of a call of the engine, and none waits long, since nothing happens meanwhile. */
vi.mock("../../lib/daemons/helm-client.ts", async (original) => {
  const module = await original<typeof HelmClientModule>();
  const brief = (seconds: unknown) => (typeof seconds === "number" ? Math.min(seconds, 0.05) : seconds);
  return {
    ...module,
    helmClient: (socket?: string) => {
      const client = module.helmClient(socket);
      const call = (work: (...args: never[]) => Promise<unknown>, name: string) =>
        name === "shipReady"
          ? (...args: unknown[]) => effect(() => work(...(args.map(brief) as never[])))
          : (...args: never[]) => effect(() => work(...args));
      return Object.fromEntries(
        Object.entries(client).map(([name, work]) => [name, call(work as never, name)]),
      ) as unknown as typeof client;
    },
  };
});

/** A ship that waits for the account's limit says so, which in foul weather is no noise. */
const WAITS = /: the provider makes no more sprites for this account at present; waiting \d+ s, as it asks$/;
beforeEach(() => {
  const { error } = console;
  console.error = (...args: unknown[]) => {
    if (!WAITS.test(String(args[0]))) error(...args);
  };
});

/** What the model has; tests/storm/README.md says why the rest is left to the real engine. */
const KINDS: Kinds = {
  steps: Number(process.env.STORM_STEPS || 30),
  ships: 2,
  troubles: ["kill", "network", "fault", "drift"],
  victims: ["engine", "provider", "helm", "sync-daemon", "supervisor", "hand", "confinement"],
  things: ["vm", "sync", "tmux"],
  tailnet: false,
  land: false,
};

const COUNT = Number(process.env.STORM_HISTORIES || 10);
const SEED = Number(process.env.STORM_SEED || 1);
/** Whether a history that fails is made smaller, which takes many times as long. */
const SHRINKS = process.env.STORM_SHRINK !== "no";

beforeAll(async () => {
  world.machine = await openMachine();
});
afterAll(() => world.machine?.close());

test.each(Object.entries(EXAMPLES))("%s: nothing is lost or left", (_, steps) => play(world.machine!, exampleOf(steps)));

test(
  "in foul weather each up that succeeds gives what the plan says, nothing is lost or done twice, and a destroy leaves nothing",
  async () => {
    const failed: string[] = [];
    for (let seed = SEED; seed < SEED + COUNT; seed++) {
      const property = fc.asyncProperty(histories(KINDS, seed), (history) => play(world.machine!, history));
      const run = await fc.check(property, { seed, numRuns: 1, endOnFailure: !SHRINKS });
      if (seed % 10 === 0) process.stderr.write(`seed ${seed}: ${seed - SEED + 1 - failed.length} of ${seed - SEED + 1} hold\n`);
      const [history] = run.counterexample ?? [];
      if (!run.failed || !history) continue;
      failed.push(`${describeHistory(history)}\n${(run.errorInstance as Error).message}`);
      process.stderr.write(`${failed.at(-1)}\n`);
    }
    expect(failed.join("\n\n")).toBe("");
  },
  COUNT * 60_000 + 300_000,
);
