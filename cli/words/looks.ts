import type { Verb } from "./verb.ts";

/** The verbs that look, and change nothing. */
export const LOOKS: readonly Verb[] = [
  {
    usage: "status [voyage]",
    summary: "show the voyage (or all at sea), what needs the captain, and a row a ship",
    examples: ["ocaptain status", "ocaptain status voyage-abc --watch", "ocaptain status --json | jq '.attention'"],
    options: [
      ["-w, --watch", "look again each second, until the voyage has sunk, or Ctrl-C; waits for one that is not there yet"],
    ],
    run: async (io, [voyage], options) => (await import("../verbs/status.ts")).status(voyage, options, io),
  },
  {
    usage: "watch [voyage]",
    summary: "the same as status --watch; with --json a line a change, for scripts",
    examples: ["ocaptain watch", "ocaptain watch voyage-abc", "ocaptain watch --json | jq -c 'select(.type == \"needs-you\")'"],
    run: async (io, [voyage]) => (await import("../verbs/watch.ts")).watch(voyage, io),
  },
  {
    usage: "dashboard",
    summary: "print the address of the page on which all voyages are seen and steered, in a browser; starts the helm",
    examples: ["ocaptain dashboard --open", "ocaptain dashboard --tailnet", "ocaptain dashboard --stop"],
    options: [
      ["-o, --open", "open it in the browser, too"],
      ["--tailnet", "serve it at this machine's address in the tailnet, too"],
      ["--port <port>", "serve it at this port from now on (default: a free one, which stays the same)"],
      ["--stop", "serve it no more; every browser then has to be let in anew"],
    ],
    run: async (io, _words, options) => (await import("../verbs/dashboard.ts")).dashboard(options, io),
  },
  {
    usage: "ls",
    summary: "a row a voyage: state, tasks, ships, spend, what needs the captain",
    examples: ["ocaptain ls", "ocaptain ls --all"],
    options: [["-a, --all", "also those that have sunk"]],
    run: async (io, _words, options) => (await import("../verbs/ls.ts")).ls(options, io),
  },
  {
    usage: "wait [voyage]",
    summary: "until the voyage is verified; exit status 0 reached, 1 it waits for somebody, 124 the time is over",
    examples: ["ocaptain wait voyage-abc && ocaptain clone voyage-abc", "ocaptain wait --for idle --timeout 2h"],
    options: [
      ["--for <what>", "verified (default; a plan without verify.sh: all done), idle (no task is at work), needs-captain"],
      ["--timeout <duration>", "at most 45s, 10m, 2h, 1d"],
    ],
    run: async (io, [voyage], options) => (await import("../verbs/wait.ts")).wait(voyage, options, io),
  },
  {
    usage: "tasks [voyage]",
    summary: "show a row a task: status, ship, what it waits for, tries, spend, commit, reason",
    examples: ["ocaptain tasks", "ocaptain tasks voyage-abc -s blocked"],
    options: [["-s, --status <status>", "only tasks that are pending, claimed, accepted, blocked, cancelled"]],
    run: async (io, [voyage], options) => (await import("../verbs/tasks.ts")).tasks(voyage, options, io),
  },
  {
    usage: "logs [voyage]",
    summary: "show the ships' logs, merged by time; also of ships that are gone",
    examples: [
      "ocaptain logs -n 50",
      "ocaptain logs voyage-abc -f -s ship-0",
      "ocaptain logs --task 7",
      "ocaptain logs --since 10m -g 'error|failed'",
    ],
    options: [
      ["-s, --ship <ship>", "only lines of this ship"],
      ["-f, --follow", "go on as they grow, until Ctrl-C"],
      ["-g, --grep <regex>", "only lines that match"],
      ["-n, --lines <number>", "only the last lines, so many"],
      ["--since <duration>", "only lines of the last 45s, 10m, 2h, 1d"],
      ["--task <id>", "only lines of this task"],
    ],
    run: async (io, [voyage], options) => (await import("../verbs/logs.ts")).logs(voyage, options, io),
  },
  {
    usage: "report [voyage]",
    summary: "write what the voyage was and came to as one HTML page to show; also of one that has sunk",
    examples: ["ocaptain report", "ocaptain report voyage-abc -o ~/report.html --open", "ocaptain report --json | jq '.spend'"],
    options: [
      ["-o, --output <file>", "the file, or - for stdout (default: ./VOYAGE-report.html)"],
      ["--open", "open it in the browser"],
      ["--force", "write over a file that is no report"],
    ],
    run: async (io, [voyage], options) => (await import("../verbs/report.ts")).report(voyage, options, io),
  },
  {
    usage: "clone [voyage]",
    summary: "make a git clone of the voyage's branch",
    examples: ["ocaptain clone", "ocaptain clone voyage-abc -d ~/review", "ocaptain clone --with-left"],
    options: [
      ["-d, --dest <folder>", "where to (default: ./VOYAGE)"],
      ["--with-left", "also the commits that ocaptain left lists, as the remote branches left/NAME"],
    ],
    run: async (io, [voyage], options) => (await import("../verbs/clone.ts")).clone(voyage, options, io),
  },
];
