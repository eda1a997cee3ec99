import { expect, test } from "vitest";
import { ALL_KINDS, historyOf } from "./generate.ts";
import { describeHistory } from "./history.ts";
import { invariants, type Snapshot, type Wanted, whatIsBroken } from "./invariants.ts";

test("a seed gives the same history each time, which begins with an up and has as many kinds of trouble as there are", () => {
  const many = Array.from({ length: 60 }, (_, seed) => historyOf(seed, ALL_KINDS));
  expect(many.map(describeHistory)).toEqual(Array.from({ length: 60 }, (_, seed) => describeHistory(historyOf(seed, ALL_KINDS))));
  for (const { steps } of many) {
    expect(steps[0]).toEqual({ do: "up", during: [] });
    expect(steps.length).toBeLessThanOrEqual(ALL_KINDS.steps);
  }
  const steps = many.flatMap((history) => history.steps);
  const kinds = new Set(
    steps.flatMap((step) => [step.do, ...("during" in step ? step.during.map(({ trouble }) => trouble.do) : [])]),
  );
  expect([...kinds].sort()).toEqual(
    ["up", "preview", "refresh", "destroy", "scale", "plan", "land", "relieve", "work", "wait", ...ALL_KINDS.troubles].sort(),
  );
});

const SHIP = { name: "s-abc-ship-0", incarnation: "one", crew: true };
const wanted: Wanted = { ships: ["ship-0"], tasks: ["1"], tailnet: true, captainHome: "/home/me", secrets: ["hush"] };
const kinds = ["workspace", "logs", "tasks"];
const good: Snapshot = {
  vms: [SHIP],
  nodes: [{ name: SHIP.name }],
  keys: [],
  syncs: kinds.map((kind) => ({ name: kind, ship: "ship-0", kind, incarnation: "one", halted: false })),
  processes: ["helm"],
  ports: [1],
  locks: [],
  tasks: [{ id: "1", status: "accepted", commit: "c1", epoch: 1 }],
  branch: [
    { commit: "c0", task: null },
    { commit: "c1", task: "1" },
  ],
  refs: [],
  registered: ["abc"],
  recorded: [{ name: "ship-0", kind: "sprite", present: true }],
  work: { mirrored: { "ship-0/one": ["mark1"] }, home: ["mark1"] },
  others: { vms: ["theirs"] },
  texts: [{ place: "state", text: "{}" }],
};
const sunk: Snapshot = { ...good, vms: [], nodes: [], syncs: [], processes: [], ports: [], registered: [], recorded: [] };

test("a snapshot as it should be breaks no invariant", () => {
  expect(whatIsBroken({ occasion: "up", now: good, earlier: [good], wanted })).toEqual([]);
  expect(whatIsBroken({ occasion: "destroy", now: sunk, earlier: [good], wanted })).toEqual([]);
});

test("each invariant is broken by what it names, and says so", () => {
  const up = (more: Partial<Snapshot>) => whatIsBroken({ occasion: "up", now: { ...good, ...more }, earlier: [good], wanted });
  const broken = [
    ...up({ vms: [] }),
    ...up({ syncs: good.syncs.slice(1) }),
    ...up({ nodes: [] }),
    ...up({ tasks: [] }),
    ...up({ recorded: [{ name: "ship-0", kind: "sprite", present: false }] }),
    ...up({ branch: [...good.branch, { commit: "c2", task: "1" }] }),
    ...up({ branch: good.branch.slice(0, 1) }),
    ...up({ work: { mirrored: {}, home: [] } }),
    ...up({ work: { ...good.work, deleted: ["mark2"] } }),
    ...up({ others: { vms: [] } }),
    ...up({ texts: [{ place: "log", text: "so hush it is" }] }),
    ...up({ texts: [{ place: "state", text: "/home/me/voyages" }] }),
    ...whatIsBroken({ occasion: "destroy", now: { ...sunk, vms: [SHIP] }, earlier: [good], wanted }),
  ];
  for (const { name } of invariants) expect(broken.filter((what) => what.startsWith(name))).not.toEqual([]);
  expect(broken).toContain("after a destroy nothing is left: VM s-abc-ship-0");
  expect(broken).toContain(
    "no unfinished work is lost beyond the last state of its mirror: mark1 was in a mirror, and is nowhere now",
  );
});
