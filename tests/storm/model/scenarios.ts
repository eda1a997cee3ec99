/** What the engine is asked, and what its providers answer. */
export type Scenario = {
  name: string;
  steps: {
    run: "up" | "preview" | "refresh" | "destroy";
    ships: number;
    /** A change of it is a change of the helm's inputs, as a changed plan is. */
    version: number;
    wishes?: Record<string, "fails" | "gone">;
  }[];
};

/** The calls of one step, as lines `begin <call> <name>` and `end <call> <name>`. */
export type Recording = { name: string; failed: boolean; calls: string[] };

/** Each scenario begins with an empty stack, and ends so. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "a voyage that is scaled",
    steps: [
      { run: "up", ships: 2, version: 1 },
      { run: "preview", ships: 2, version: 2 },
      { run: "up", ships: 2, version: 2 },
      { run: "refresh", ships: 2, version: 2, wishes: { "read ship-0": "gone" } },
      { run: "up", ships: 2, version: 2 },
      { run: "up", ships: 1, version: 2 },
      { run: "destroy", ships: 1, version: 2 },
    ],
  },
  {
    name: "a voyage with failures",
    steps: [
      { run: "up", ships: 2, version: 1, wishes: { "create ship-0-tasks": "fails" } },
      { run: "up", ships: 2, version: 1 },
      { run: "up", ships: 2, version: 1, wishes: { "read ship-1": "fails" } },
      { run: "destroy", ships: 2, version: 1, wishes: { "delete ship-0-logs": "fails" } },
      { run: "destroy", ships: 2, version: 1 },
    ],
  },
];
