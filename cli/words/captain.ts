import type { Verb } from "./verb.ts";

/** The verbs about the captain's own machine. */
export const CAPTAIN: readonly Verb[] = [
  {
    usage: "doctor",
    summary: "check tools, daemons, leftovers and settings: what is wrong, and the command that helps",
    examples: ["ocaptain doctor", "ocaptain doctor --json"],
    run: async (io) => (await import("../verbs/doctor.ts")).doctor(io),
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
