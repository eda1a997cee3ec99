import type { EngineStep, History, Step, Trouble } from "../history.ts";

const run = (what: EngineStep["do"], share?: number, trouble?: Trouble, part: "before" | "after" = "after"): Step => ({
  do: what,
  during: share === undefined || !trouble ? [] : [{ at: { share, part }, trouble }],
});
const up = run("up");
const begin: Step = { do: "work", deliveries: 1 };
const engineDies: Trouble = { do: "kill", what: { kind: "engine" } };

/** Histories that are always played: each holds only because the product does something that is easily forgotten. */
export const EXAMPLES: Record<string, Step[]> = {
  "a ship goes while it is at work": [up, begin, { do: "scale", ships: 1 }, up],
  "a VM is removed while its ship is at work, and its crew had given its task back": [
    ...([up, begin, { do: "wait", seconds: 5 }, { do: "kill", what: { kind: "hand", ship: 1 } }] as Step[]),
    ...([{ do: "drift", what: "vm", ship: 1, how: "altered" }, up, begin] as Step[]),
  ],
  "an up dies when it has made a VM, and a destroy follows": [run("up", 0.5, engineDies), run("destroy")],
  "answers of the provider are lost": [
    { do: "fault", on: "create", fault: "fails-but-happens", times: 2 },
    ...([up, { do: "fault", on: "delete", fault: "slow", times: 2 }, { do: "scale", ships: 1 }, up] as Step[]),
  ],
  "the provider denies what is there": [up, { do: "fault", on: "get", fault: "false-404", times: 1 }, up, run("refresh")],
  "helm and sync daemon die while ships are at work": [
    ...([up, begin, { do: "kill", what: { kind: "helm" } }, { do: "kill", what: { kind: "sync-daemon" } }] as Step[]),
    ...([{ do: "plan", change: "add", which: 0 }, up, begin] as Step[]),
  ],
  "a ship that is cut off is taken for lost, and comes back": [
    ...([up, begin, { do: "network", path: { between: "ship-helm", ship: 1 }, state: "cut" }] as Step[]),
    ...([{ do: "wait", seconds: 1200 }, begin, { do: "relieve" }, up, begin] as Step[]),
  ],
  "crews die, and the voyage goes on after it was sunk": [
    ...([up, begin, { do: "kill", what: { kind: "confinement", ship: 0 } }, up, run("destroy"), up, begin] as Step[]),
  ],
};

/** An example as a history of two ships and three tasks. */
export const exampleOf = (steps: Step[]): History => ({
  seed: 0,
  voyage: { ships: 2, tasks: { "1": [], "2": [], "3": ["1"] }, tailnet: false },
  steps,
});
