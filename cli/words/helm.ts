import type { VerbGroup } from "./verb.ts";

/** The verbs about the helm as a process of this machine. */
export const HELM: VerbGroup = {
  usage: "helm",
  summary: "look at the helm, or make it a service of this machine, which outlives a log-out and a reboot",
  examples: ["ocaptain helm status", "ocaptain helm install", "ocaptain helm restart"],
  verbs: [
    {
      usage: "status",
      summary: "show the helm that runs, and the service that keeps it",
      examples: ["ocaptain helm status", "ocaptain helm status --json"],
      isDefault: true,
      run: async (io) => (await import("../verbs/helm.ts")).helmStatus(io),
    },
    {
      usage: "install",
      summary: "have this machine keep a helm: by systemd's user manager, launchd, or else a tmux session",
      examples: ["ocaptain helm install", "ocaptain helm install --kind tmux"],
      options: [["--kind <kind>", "systemd, launchd or tmux; default is the first of them that this machine has"]],
      run: async (io, _words, options) => (await import("../verbs/helm.ts")).helmInstall(options, io),
    },
    {
      usage: "restart",
      summary: "end the helm, and start one of this code; ships wait meanwhile",
      examples: ["ocaptain helm restart"],
      run: async (io) => (await import("../verbs/helm.ts")).helmRestart(io),
    },
    {
      usage: "uninstall",
      summary: "take the service away; while voyages are at sea, a helm goes on without it",
      examples: ["ocaptain helm uninstall"],
      run: async (io) => (await import("../verbs/helm.ts")).helmUninstall(io),
    },
  ],
};
