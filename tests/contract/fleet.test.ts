import fc from "fast-check";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { spritePrefix } from "../../lib/base/naming.ts";
import { knownHarbor } from "../../lib/daemons/harbor.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { setHarborAccount } from "../support/harbor-faults.ts";
import { openPort } from "../support/voyage/port.ts";
import { type Props, resource } from "../support/voyage/resource.ts";
import { killHarbor } from "../support/voyage/voyage.ts";
import { Engine } from "./fleet/engine.ts";
import { openSea, untouched } from "./fleet/sea.ts";

/** The number of fleets that sail. FLEET_CASES=300 makes a longer search. */
const CASES = Number(process.env.FLEET_CASES || 12);
const SHIPS = 3;

let port: Awaited<ReturnType<typeof openPort>>;
beforeAll(async () => {
  port = await openPort();
});
afterAll(() => port.close());

const index = fc.nat(SHIPS - 1);
/** Faults that an `up` must come through by itself. */
const weather = fc.constantFrom(
  { on: "create", kind: "fails-but-happens" },
  { on: "create", kind: "fails-but-happens", times: 3 },
  { on: "create", kind: "unavailable", times: 2 },
  { on: "create", kind: "rate-limit", retryAfterSeconds: 0.1 },
  { on: "get", kind: "false-404", times: 2 },
  { on: "list", kind: "unavailable" },
  { on: "delete", kind: "false-404" },
  { on: "delete", kind: "fails-but-happens" },
);
/** Faults by which an `up` may fail, and which the next `up` must mend. */
const storm = fc.constantFrom(
  { on: "create", kind: "unavailable", times: 9 },
  { on: "exec", kind: "unavailable", times: 2 },
  { on: "delete", kind: "unavailable", times: 9 },
  { on: "get", kind: "false-404", times: 12 },
);
/** Picks at most one fault for each kind of call: several together can be more than any client comes through. */
const someOf = <T extends { on: string }>(fault: fc.Arbitrary<T>, minLength = 0) =>
  fc.uniqueArray(fault, { minLength, maxLength: 2, selector: ({ on }) => on });
const ships = fc.integer({ min: 0, max: SHIPS });

type Fault = { on: string; kind: string };
type Happening =
  | { do: "up" | "up in a storm"; ships: number; faults: Fault[] }
  | { do: "killed up"; ships: number }
  | { do: "refresh"; faults: Fault[] }
  | { do: "vanish" | "ours again" | "a stranger"; index: number }
  | { do: "late delete"; which: number }
  | { do: "harbor killed" };
const often = <T extends Happening["do"], R>(
  weight: number,
  what: readonly T[],
  rest: { [K in keyof R]: fc.Arbitrary<R[K]> },
) => ({
  weight,
  arbitrary: fc.record({ do: fc.constantFrom(...what), ...rest }) as unknown as fc.Arbitrary<Happening>,
});
const upset = fc.oneof(
  often(5, ["vanish", "ours again", "a stranger"], { index }),
  often(2, ["late delete"], { which: fc.nat() }),
  often(1, ["harbor killed"], {}),
);
const act = fc.oneof(
  often(5, ["up"], { ships, faults: someOf(weather) }),
  often(1, ["up in a storm"], { ships, faults: someOf(storm, 1) }),
  often(1, ["killed up"], { ships }),
  often(2, ["refresh"], { faults: someOf(weather) }),
);
/** A round after the first `up`: something happens to the fleet, and then the engine acts. */
const round = fc.tuple(fc.array(upset, { maxLength: 2, size: "max" }), act).map(([upsets, acts]) => [...upsets, acts]);
const voyages = fc
  .tuple(ships, fc.array(round, { minLength: 2, maxLength: 4, size: "max" }), fc.nat(2 * SHIPS))
  .map(([first, rounds, last]): Happening[] => [
    { do: "up", ships: first, faults: [] },
    ...rounds.flat(),
    ...(last <= SHIPS ? [{ do: "killed up" as const, ships: last }] : []), // After this there is only a destroy.
  ]);

let cases = 0;
test(
  "whatever happens to a fleet: each wanted ship exists once and as recorded, strangers' VMs stay as they are, reads change nothing, and destroy leaves nothing of ours",
  async () => {
    // A ship that waits for the account's limit says so.
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => told.mockRestore());
    await fc.assert(fc.asyncProperty(voyages, sail), { numRuns: CASES });
  },
  CASES * 15_000,
);

async function sail(happenings: Happening[]): Promise<void> {
  cases += 1;
  const muster = resource("muster", { stack: `quay${cases}`, provider: "harbor" });
  const voyage = (await muster.create()) as Props & { voyageId: string; nonce: string };
  const engine = new Engine(voyage);
  const sprites = await openSprites({ kind: "harbor" });
  const prefix = spritePrefix(voyage.stack, voyage.voyageId);
  const sea = openSea(sprites, prefix, voyage.nonce);
  const labels = ["ocaptain", `voyage-${voyage.voyageId}`, `nonce-${voyage.nonce}`];
  /** Strangers' VMs under our names: their ids by name. */
  const strangers = new Map<string, string>();
  /**
   * The names of our VMs that no state knows, because an `up` died or failed with them. Only these may be left over.
   */
  const unrecorded = new Set<string>();

  /** Checks that the fleet is as the engine records it, after an `up` that no fault has made fail. */
  const settled = async (wanted: number, errors: Map<string, string>) => {
    const there = await sea.look();
    for (let i = 0; i < wanted; i++) {
      const name = engine.nameOf(i);
      if (strangers.has(name)) {
        expect(errors.get(name)).toMatch(/is not this voyage's/);
        expect(engine.state.has(name)).toBe(false);
        continue;
      }
      expect(engine.state.get(name)).toMatchObject({ incarnation: there.get(name)?.id ?? "none", present: true });
      expect(labels.every((label) => there.get(name)?.labels.includes(label))).toBe(true);
      expect((await sprites.exec(name, ["ls", "voyage/crew/supervisor.js"])).exitCode).toBe(0);
    }
    expect([...errors.keys()].every((name) => strangers.has(name))).toBe(true);
    expect(engine.state.size + [...errors].length).toBe(wanted);
  };

  const steps: Record<Happening["do"], (it: never) => Promise<void>> = {
    async up(it: { ships: number; faults: object[] }) {
      await port.faults(...it.faults);
      const errors = await engine.up(it.ships);
      await port.faults();
      await settled(it.ships, errors);
    },
    async "up in a storm"(it: { ships: number; faults: object[] }) {
      await port.faults(...it.faults);
      await engine.up(it.ships).catch(() => {}); // An up ends when its refresh fails.
      await port.faults();
      for (const [name, sprite] of await sea.look()) if (sea.ours(sprite) && !engine.state.has(name)) unrecorded.add(name);
    },
    async "killed up"(it: { ships: number }) {
      await engine.up(it.ships, true);
      for (const [name, sprite] of await sea.look()) if (sea.ours(sprite) && !engine.state.has(name)) unrecorded.add(name);
    },
    async refresh(it: { faults: object[] }) {
      const before = await sea.look();
      await port.faults(...it.faults);
      await engine.refresh();
      await port.faults();
      expect(untouched(before, await sea.look())).toBe(true);
      for (const name of engine.state.keys()) expect(sea.ours(before.get(name)!)).toBe(true);
      for (const props of engine.past)
        if (before.get(String(props.name))?.id === props.incarnation && !unrecorded.has(String(props.name)))
          expect(engine.state.get(String(props.name))).toMatchObject({ incarnation: props.incarnation });
    },
    async vanish(it: { index: number }) {
      const name = engine.nameOf(it.index);
      await sea.vanish(name);
      strangers.delete(name);
      unrecorded.delete(name);
    },
    async "ours again"(it: { index: number }) {
      const name = engine.nameOf(it.index);
      if (!engine.state.has(name)) return;
      strangers.delete(name);
      await sea.replace(name, labels);
    },
    async "a stranger"(it: { index: number }) {
      const name = engine.nameOf(it.index);
      strangers.set(name, (await sea.replace(name, ["theirs"])).id);
      unrecorded.delete(name);
    },
    async "late delete"(it: { which: number }) {
      const there = await sea.look();
      const late = engine.past.filter((props) => there.get(String(props.name))?.id !== props.incarnation);
      const props = late[it.which % (late.length || 1)];
      if (!props) return;
      await engine.delete(props);
      expect(untouched(there, await sea.look())).toBe(true);
    },
    "harbor killed": () => killHarbor(),
  };

  for (const it of happenings) {
    // This call starts a killed harbor again, which must be there to be told of faults.
    if ("faults" in it) await sprites.list(prefix);
    await steps[it.do](it as never);
    const there = await sea.look();
    for (const [name, id] of strangers) expect(there.get(name)).toMatchObject({ id, labels: ["theirs"] });
    for (const name of engine.state.keys()) unrecorded.delete(name);
    for (const [name, sprite] of there) if (sea.ours(sprite)) expect(engine.state.has(name) || unrecorded.has(name)).toBe(true);
  }

  // The destroy removes the fleet, and then proves it gone.
  await engine.up(0);
  const proof = await muster.remove(voyage).then(
    () => "",
    (error: Error) => error.message,
  );
  expect([...proof.matchAll(/sprite (\S+?)[,\s]/g)].map((match) => match[1]).sort()).toEqual([...strangers.keys()].sort());
  expect([...(await sea.look()).keys()].sort()).toEqual([...strangers.keys()].sort());
  for (const name of strangers.keys()) await sea.vanish(name);
}

test("twelve ships of an account that may make ten in a while are all made, and say what they wait for; more than it lets run is said at once, and recorded", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => told.mockRestore());
  const account = (limits: object) => setHarborAccount(knownHarbor()!, limits);
  const voyage = await resource("muster", { stack: "quay", provider: "harbor" }).create();
  const engine = new Engine(voyage as Props & { voyageId: string; nonce: string });
  await account({ creations: 10, windowMs: 6_000, running: 12 });
  expect([...(await engine.up(12))]).toEqual([]);
  expect([...engine.state.values()].filter(({ present }) => present)).toHaveLength(12);
  const waited = told.mock.calls.flatMap(
    ([line]) => /^(ship-\d+): the provider makes no more .* waiting \d s/.exec(line)?.[1] ?? [],
  );
  // More than two wait where the tests before have made sprites in the same while.
  expect(new Set(waited).size).toBeGreaterThanOrEqual(2);

  expect([...(await engine.up(0))]).toEqual([]);
  await account({ creations: 100, running: 2 });
  const errors = await engine.up(3);
  expect([...errors.values()]).toEqual([expect.stringMatching(/2 sprites are running, .*fewer ships/s)]);
  expect(engine.state.get([...errors.keys()][0]!)).toMatchObject({ incarnation: expect.any(String), present: false });
  await account({ creations: 100, running: 3 });
  expect([...(await engine.up(3))]).toEqual([]);
  expect([...(await engine.up(0))]).toEqual([]);
}, 120_000);
