import { FLAGS } from "../demo/options.ts";
import type { Verb, VerbGroup } from "./verb.ts";

/** The verbs about the captain's own machine. */
export const CAPTAIN: readonly Verb[] = [
  {
    usage: "demo",
    summary: "sail a whole voyage on the harbor: it loses a ship on purpose, heals, delivers, sinks, and proves it",
    examples: ["ocaptain demo", "ocaptain demo --repo ../another-repository --ships 6"],
    options: FLAGS,
    run: async (io, _words, options) => (await import("../verbs/demo.ts")).demo(options, io),
  },
  {
    usage: "setup [parts...]",
    summary: "bring the tools that this machine lacks, and say where each came from; safe to repeat",
    examples: ["ocaptain setup", "ocaptain setup tailscale-amd64"],
    run: async (io, [parts]) => (await import("../verbs/setup.ts")).setUp((parts ?? []) as unknown as string[], io),
  },
  {
    usage: "env",
    summary: "print lines for a shell: ocaptain and its pulumi come on the PATH; other Pulumi projects stay as they are",
    examples: ['eval "$(ocaptain env)"', "ocaptain env --shell fish | source"],
    options: [["--shell <shell>", "bash, zsh, sh (default) or fish"]],
    run: async (io, _words, options) => (await import("../verbs/env.ts")).env(options, io),
  },
  {
    usage: "doctor",
    summary: "check tools, daemons, leftovers and settings: what is wrong, and the command that helps",
    examples: ["ocaptain doctor", "ocaptain doctor --fix", "ocaptain doctor --json"],
    options: [["--fix", "first do what is safe: bring missing tools, restart a sync daemon, end what is left of a sunk voyage"]],
    run: async (io, _words, options) => (await import("../verbs/doctor.ts")).doctor(options, io),
  },
  {
    usage: "completion <shell>",
    summary: "print a script by which bash, zsh or fish completes verbs, options, voyages and ships",
    examples: [
      "source <(ocaptain completion bash)  # in ~/.bashrc",
      "source <(ocaptain completion zsh)   # in ~/.zshrc, after compinit",
      "ocaptain completion fish > ~/.config/fish/completions/ocaptain.fish",
    ],
    run: async (io, [shell]) => (await import("../verbs/completion.ts")).completion(String(shell), io),
  },
];

/** The verbs about whose a voyage is. */
export const HANDOVER: VerbGroup = {
  usage: "captain",
  summary: "take a voyage over from another machine",
  examples: ["ocaptain captain take voyage-abc"],
  verbs: [
    {
      usage: "take <voyage>",
      summary: "make another captain's voyage this machine's, by its folder (copied, or on a disk that both have)",
      examples: ["ocaptain captain take voyage-abc", "ocaptain captain take voyage-abc --yes --json"],
      options: [["-y, --yes", "do not ask"]],
      isLong: true,
      run: async (io, [voyage], options) => (await import("../verbs/captain-take.ts")).captainTake(String(voyage), options, io),
    },
  ],
};
