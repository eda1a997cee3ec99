import type { Verb, VerbGroup } from "./verb.ts";

/** The verbs that steer a voyage at sea: its ships, its tasks. */
export const ORDERS: readonly (Verb | VerbGroup)[] = [
  {
    usage: "shell [voyage] [ship]",
    summary: "show the ship's tmux in this terminal (detach: Ctrl-b d): Claude Code's, else the crew's; wakes the ship",
    examples: ["ocaptain shell ship-0", "ocaptain shell voyage-abc ship-0 --write", "ocaptain shell 0 --raw"],
    options: [
      ["--raw", "a shell on the ship, in its workspace"],
      ["--crew", "the crew's own journal, also where Claude Code's screen is"],
      ["--write", "keys reach what is shown: to type to Claude Code"],
    ],
    run: async (io, words, options) => (await import("../verbs/shell.ts")).shell(words, options, io),
  },
  {
    usage: "answer <ship> <words...>",
    summary:
      "answer what a ship's agent asked the captain, or send a message to an interactive session; '#7' names a task instead of a ship, - reads stdin",
    examples: [
      "ocaptain answer ship-0 'Green, as in the logo.'",
      "ocaptain answer '#7' No, leave it out.",
      "ocaptain answer 0 - --voyage voyage-abc < answer.txt",
    ],
    options: [["--voyage <voyage>", "the voyage, where there are several"]],
    run: async (io, [ship, words], { voyage }) =>
      (await import("../verbs/answer.ts")).answer(String(ship), words as unknown as string[], voyage, io),
  },
  {
    usage: "nudge <ship> <words...>",
    summary:
      "tell the running session of a ship something: typed to an interactive one, else read at its next step; - reads stdin",
    examples: ["ocaptain nudge ship-0 'Use the parser in lib/, and write none of your own.'", "ocaptain nudge 0 - < notes.txt"],
    options: [["--voyage <voyage>", "the voyage, where there are several"]],
    run: async (io, [ship, words], { voyage }) =>
      (await import("../verbs/nudge.ts")).nudge(String(ship), words as unknown as string[], voyage, io),
  },
  {
    usage: "release <task> [voyage]",
    summary: "take a task away from the ship that holds it (the ship is fenced)",
    examples: ["ocaptain release 7", "ocaptain release 7 voyage-abc --reason 'it runs in circles'"],
    options: [["--reason <text>", "why, for the record"]],
    run: async (io, [task, voyage], options) => (await import("../verbs/steer.ts")).release(String(task), voyage, options, io),
  },
  {
    usage: "task",
    summary: "add a task to a voyage at sea, beside its plan; or cancel one that was so added",
    examples: ["ocaptain task add 'Mend the build on macOS' --after 7", "ocaptain task cancel 900001"],
    verbs: [
      {
        usage: "add <subject>",
        summary: "add a task, which every later up keeps, also of a changed plan; a voyage that had come to its end goes on",
        examples: [
          "ocaptain task add 'Mend the build on macOS' --after 7 --check 'npm run build'",
          "ocaptain task add 'Answer the review' --voyage voyage-abc --description - < review.txt",
        ],
        options: [
          ["--voyage <voyage>", "the voyage, where there are several"],
          ["--description <text>", "all that who does it must know, - reads stdin; default is the subject"],
          ["--after <ids>", "the tasks that it waits for: 1,2"],
          ["--check <command>", "the shell command that must succeed before the task is accepted"],
          ["--touches <globs>", "what it writes: 'src/auth/**,README.md'"],
          ["--rehearsal <command>", "the shell command that does it where the hand is rehearsal"],
          ["--urgent", "give it out before all else that is free"],
        ],
        run: async (io, [subject], options) => (await import("../verbs/task.ts")).taskAdd(String(subject), options, io),
      },
      {
        usage: "cancel <task>",
        summary: "cancel a task that was added so, and that no ship is at; what waits for it is free",
        examples: ["ocaptain task cancel 900001", "ocaptain task cancel 900001 --voyage voyage-abc"],
        options: [["--voyage <voyage>", "the voyage, where there are several"]],
        run: async (io, [task], { voyage }) => (await import("../verbs/task.ts")).taskCancel(String(task), voyage, io),
      },
    ],
  },
  {
    usage: "pause [voyage]",
    summary: "give nothing out any more; tasks at work end, or are given back after --within; then the ships sleep",
    examples: ["ocaptain pause voyage-abc", "ocaptain pause --within 10m"],
    options: [["--within <duration>", "tasks that are still at work after 45s, 10m, 2h are given back; 0s: at once"]],
    run: async (io, [voyage], options) => (await import("../verbs/pause.ts")).pause(voyage, options, io),
  },
  {
    usage: "resume [voyage]",
    summary: "give tasks out again after a pause, and wake ships for them",
    examples: ["ocaptain resume", "ocaptain resume voyage-abc"],
    run: async (io, [voyage]) => (await import("../verbs/pause.ts")).resume(voyage, io),
  },
  {
    usage: "budget <usd> [voyage]",
    summary:
      "say what the voyage may spend from now on, in US dollars; it holds until ocaptain:budgetUsd changes; configured instead of a number: as that says",
    examples: ["ocaptain budget 80", "ocaptain budget 80 voyage-abc", "ocaptain budget configured"],
    run: async (io, [amount, voyage]) => (await import("../verbs/budget.ts")).budget(String(amount), voyage, io),
  },
  {
    usage: "retry <task> [voyage]",
    summary:
      "let a blocked task be tried again; verify instead of a task: run a verify.sh again that failed; limit: give tasks out, whatever usage limit ships report",
    examples: ["ocaptain retry 7", "ocaptain retry verify voyage-abc", "ocaptain retry limit"],
    run: async (io, [task, voyage]) => (await import("../verbs/steer.ts")).retry(String(task), voyage, io),
  },
];
