import type { Verb } from "./verb.ts";

/** The verbs that make a fleet, change it and end it. */
export const FLEET: readonly Verb[] = [
  {
    usage: "init [folder]",
    summary: "make a Pulumi project and an example of a plan, in a repository of yours; overwrites nothing",
    examples: ["ocaptain init", "ocaptain init voyages"],
    run: async (io, [folder]) => (await import("../verbs/init.ts")).init(folder, io),
  },
  {
    usage: "sail [plan]",
    summary:
      "sail a plan's folder, or go on with a voyage: resume, heal, follow a changed plan; without a plan one ship waits in Claude Code for your orders",
    examples: [
      "ocaptain sail ./plan",
      "ocaptain sail ./plan -n 6 --hand claude --budget 20 --watch",
      "ocaptain sail voyage-plan",
      "ocaptain sail --repo owner/name",
    ],
    options: [
      ["-n, --ships <number>", "how many ships; default is what the plan recommends, else 3"],
      [
        "--repo <repository>",
        "a URL, owner/name on GitHub, or a path that begins with ./ ../ / or ~; default is what the plan says",
      ],
      ["--hand <hand>", "rehearsal (runs each task's own command; the default) or claude"],
      ["--provider <provider>", "harbor (on this machine; the default) or sprites (sprites.dev)"],
      ["--budget <usd>", "US dollars that the hand claude may spend"],
      ["--name <voyage>", "the voyage's name; default is voyage- and the name of the plan's folder"],
      [
        "--no-telemetry",
        "keep nothing of what Claude Code tells of its costs, tokens and tools; ocaptain:telemetry true undoes it",
      ],
      ["-w, --watch", "go on with status --watch"],
      ["-y, --yes", "do not ask"],
    ],
    isLong: true,
    run: async (io, [word], options) => (await import("../verbs/sail.ts")).sail(word, options, io),
  },
  {
    usage: "scale <number> [voyage]",
    summary: "give the voyage so many ships; those that do nothing go first, and ships that stay keep their names",
    examples: ["ocaptain scale 6", "ocaptain scale 2 voyage-abc --drain", "ocaptain scale 1 --yes --json"],
    options: [
      ["--drain", "wait until the ships that go are through with their tasks; nothing new is given to them"],
      ["-y, --yes", "do not ask; without --drain, tasks of ships that go are stopped, and begun anew on others"],
    ],
    isLong: true,
    run: async (io, [number, voyage], options) =>
      (await import("../verbs/scale.ts")).scale([String(number), voyage], options, io),
  },
  {
    usage: "sink [voyage]",
    summary: "bring all work home, end the fleet, and prove that nothing is left",
    examples: ["ocaptain sink voyage-plan", "ocaptain sink --all", "ocaptain sink voyage-plan -f --json"],
    options: [
      ["-f, --force", "do not ask"],
      ["-y, --yes", "the same, by the word of sail"],
      ["--all", "every voyage of this captain that is at sea"],
    ],
    isLong: true,
    run: async (io, [voyage], options) => (await import("../verbs/sink.ts")).sink(voyage, options, io),
  },
  {
    usage: "sweep",
    summary: "list what carries this captain's mark and belongs to no voyage at sea, and remove it; never what holds work",
    examples: ["ocaptain sweep", "ocaptain sweep --json", "ocaptain sweep --yes", "ocaptain sweep --fetch"],
    options: [
      ["-y, --yes", "do not ask"],
      ["--fetch", "bring what a VM holds into an archive beside the voyages first, and then remove that VM, too"],
    ],
    isLong: true,
    run: async (io, _words, options) => (await import("../verbs/sweep.ts")).sweep(options, io),
  },
  {
    usage: "forget <voyage>",
    summary: "put the folder of a voyage that has sunk into the archive, out of sight; nothing is deleted",
    examples: ["ocaptain forget voyage-abc"],
    run: async (io, [voyage]) => (await import("../verbs/forget.ts")).forget(String(voyage), io),
  },
];
