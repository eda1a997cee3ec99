import fc from "fast-check";
import type { EngineStep, History, Moment, Path, Place, Setting, Step, Thing, Trouble, Victim } from "./history.ts";

/** What histories are made of, for a level that does not have all of it. */
export type Kinds = {
  /** The most steps of a history. */
  steps: number;
  /** The most ships of a fleet. */
  ships: number;
  troubles: readonly Trouble["do"][];
  victims: readonly Victim["kind"][];
  /** What drifts. @default all things */
  things?: readonly Thing[];
  /** Between whom the network is bad. @default everywhere */
  paths?: readonly Path["between"][];
  /** Whether some voyages are in a tailnet. */
  tailnet: boolean;
  /** Whether the captain lands. */
  land: boolean;
};

/** Everything. A level names what it leaves out. */
export const ALL_KINDS: Kinds = {
  steps: 30,
  ships: 3,
  troubles: ["kill", "network", "freeze", "clock", "full-disk", "fault", "drift"],
  victims: ["engine", "provider", "helm", "harbor", "sync-daemon", "supervisor", "hand", "confinement"],
  tailnet: true,
  land: true,
};

/**
 * The history of a seed, among those of a level. The seed is all that is needed to have it again, as long as this file
 * and fast-check are the same.
 */
export const historyOf = (seed: number, kinds: Kinds): History =>
  fc.sample(histories(kinds), { seed, numRuns: 1, endOnFailure: true })[0]!;

/** All histories of a level; smaller ones have fewer steps, fewer ships and less trouble. */
export function histories(kinds: Kinds, seed = 0): fc.Arbitrary<History> {
  return fc.record({
    seed: fc.constant(seed),
    voyage: settings(kinds),
    steps: fc
      .array(step(kinds), { minLength: 1, maxLength: kinds.steps - 1, size: "max" })
      .map((steps): Step[] => [{ do: "up", during: [] }, ...steps]),
  });
}

const settings = (kinds: Kinds): fc.Arbitrary<Setting> =>
  fc.record({
    ships: fc.integer({ min: 1, max: kinds.ships }),
    tasks: fc.constantFrom<Record<string, string[]>[]>(
      { "1": [], "2": ["1"] },
      { "1": [], "2": [], "3": ["1", "2"] },
      { "1": [], "2": ["1"], "3": ["1"], "4": ["2", "3"] },
    ),
    tailnet: kinds.tailnet ? fc.boolean() : fc.constant(false),
  });

const ship = fc.nat(7);
const moment: fc.Arbitrary<Moment> = fc.record({
  share: fc.nat(999).map((thousandths) => thousandths / 1000),
  part: fc.constantFrom("before", "after"),
});
const place: fc.Arbitrary<Place> = fc.oneof(
  fc.constant<Place>({ on: "captain" }),
  fc.record({ on: fc.constant("ship" as const), ship }),
);

function victim(kinds: Kinds): fc.Arbitrary<Victim> {
  const kind = fc.constantFrom(...kinds.victims);
  return fc.record({ kind, ship }).map((one): Victim => {
    if (one.kind === "supervisor" || one.kind === "hand" || one.kind === "confinement") return { kind: one.kind, ship: one.ship };
    return { kind: one.kind };
  });
}

/** A trouble that may come at any time. */
function trouble(kinds: Kinds): fc.Arbitrary<Trouble> {
  const all: { [Do in Trouble["do"]]: { weight: number; arbitrary: fc.Arbitrary<Trouble> } } = {
    kill: { weight: 6, arbitrary: victim(kinds).map((what) => ({ do: "kill", what })) },
    network: {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("network" as const),
        path: fc
          .record({ between: fc.constantFrom(...(kinds.paths ?? (["ship-helm", "captain-provider"] as const))), ship })
          .map(
            (one): Path => (one.between === "ship-helm" ? { between: one.between, ship: one.ship } : { between: one.between }),
          ),
        state: fc.constantFrom("cut" as const, "slow" as const),
      }),
    },
    freeze: { weight: 1, arbitrary: fc.record({ do: fc.constant("freeze" as const), ship }) },
    clock: {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("clock" as const),
        place,
        seconds: fc.constantFrom(90, 7200, 400_000, -90, -7200, -400_000),
      }),
    },
    "full-disk": { weight: 1, arbitrary: fc.record({ do: fc.constant("full-disk" as const), place }) },
    fault: {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("fault" as const),
        on: fc.constantFrom("create" as const, "get" as const, "list" as const, "delete" as const, "exec" as const),
        fault: fc.constantFrom(
          "rate-limit" as const,
          "unavailable" as const,
          "fails-but-happens" as const,
          "false-404" as const,
          "slow" as const,
        ),
        times: fc.constantFrom(1, 1, 2, 12),
      }),
    },
    drift: {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("drift" as const),
        what: fc.constantFrom(...(kinds.things ?? (["vm", "node", "key", "sync", "tmux"] as const))),
        ship,
        how: fc.constantFrom("removed" as const, "altered" as const),
      }),
    },
  };
  return fc.oneof(...kinds.troubles.map((name) => all[name]));
}

/** A run of the engine, mostly without trouble and never with more than three. */
function engine(kinds: Kinds, run: EngineStep["do"]): fc.Arbitrary<Step> {
  const during = fc.oneof(
    { weight: 3, arbitrary: fc.constant<EngineStep["during"]>([]) },
    { weight: 2, arbitrary: fc.array(fc.record({ at: moment, trouble: trouble(kinds) }), { minLength: 1, maxLength: 3 }) },
  );
  return during.map((troubles) => ({ do: run, during: troubles.sort((a, b) => a.at.share - b.at.share) }));
}

function step(kinds: Kinds): fc.Arbitrary<Step> {
  const change = fc.constantFrom("add" as const, "edit" as const, "drop" as const);
  return fc.oneof(
    { weight: 10, arbitrary: engine(kinds, "up") },
    { weight: 1, arbitrary: engine(kinds, "preview") },
    { weight: 2, arbitrary: engine(kinds, "refresh") },
    { weight: 2, arbitrary: engine(kinds, "destroy") },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("scale" as const), ships: fc.integer({ min: 1, max: kinds.ships }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("plan" as const), change, which: fc.nat(7) }) },
    ...(kinds.land ? [{ weight: 1, arbitrary: fc.constant<Step>({ do: "land" }) }] : []),
    { weight: 8, arbitrary: trouble(kinds) },
    { weight: 2, arbitrary: fc.constant<Step>({ do: "relieve" }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("work" as const), deliveries: fc.integer({ min: 1, max: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.constantFrom(5, 60, 1200) }) },
  );
}
