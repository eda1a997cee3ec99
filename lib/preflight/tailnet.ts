import { tailnetControl } from "../tailnet/control.ts";
import { type ShipArch, tailscaleParts } from "../tailnet/parts.ts";
import { readTailnetSettings, type TailnetConfig } from "../tailnet/settings.ts";
import type { Check } from "./check.ts";

/** The tailnet's control plane is named, answers, takes the secret, and lets it do all that a voyage asks for. Reads only. */
export function tailnetCheck(config: TailnetConfig): Check {
  return {
    what: "tailnet",
    look: async () => {
      const { findings } = readTailnetSettings(config);
      if (findings.length === 0) await tailnetControl(config).probe();
      return findings;
    },
  };
}

/** The tailscale that is put on ships is on this machine. */
export function tailscaleCheck(arch: ShipArch): Check {
  return {
    what: "tailscale",
    look: async () => {
      await tailscaleParts(arch);
      return [];
    },
  };
}
