import { runningHarbor } from "../daemons/harbor.ts";
import { helmPort, isPortChosen, keptPortFile } from "../daemons/helm-port.ts";
import { helmProcess } from "../daemons/helm-process.ts";
import { tailnetControl } from "../tailnet/control/control.ts";
import { nodeOfCaptain } from "../tailnet/control/nodes.ts";
import { readTailnetSettings, type TailnetConfig } from "../tailnet/control/settings.ts";
import { captainNode } from "../tailnet/node/captain.ts";
import { type ShipArch, tailscaleParts } from "../tailnet/node/parts.ts";
import { HELM_PORT } from "../tailnet/policy/policy-rules.ts";
import type { Check } from "./check.ts";

/**
 * Checks that the tailnet's control plane is named, answers, takes the secret, and lets it do all that a voyage asks
 * for. Only reads.
 */
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

/** Checks that the tailscale that is put on ships is on this machine. */
export function tailscaleCheck(arch: ShipArch): Check {
  return {
    what: "tailscale",
    look: async () => {
      await tailscaleParts(arch);
      return [];
    },
  };
}

/** Checks that this machine's tailscaled is up, and in the tailnet that the ships will join. */
export function captainNodeCheck(config: TailnetConfig): Check {
  const what = "this machine's tailscale";
  return {
    what,
    look: async () => {
      const captain = await captainNode({ own: false });
      const { settings } = readTailnetSettings(config);
      if (!settings) return []; // the tailnet's own check tells it
      const nodes = await tailnetControl(config).listNodes();
      if (nodeOfCaptain(nodes, captain)) return [];
      const where = settings.kind === "headscale" ? new URL(settings.baseUrl).host : "that of ocaptain:tailscaleOauthSecret";
      return [
        {
          what,
          message: `${captain.address} is in another tailnet than the ships will be, ${where}`,
          hint: "tailscale switch; or a node of the project's own: pulumi config set ocaptain:captainNode own",
        },
      ];
    },
  };
}

/**
 * The hint for a helm that serves at another port because 4318 was taken once. Ships that know that port follow with
 * their voyages' next `up`.
 */
function useThatPort(): string {
  const helm = helmProcess();
  return `when port ${HELM_PORT} is free again: rm ${keptPortFile()}${helm ? ` && kill ${helm.pid}` : ""}; then pulumi up, also of each other voyage that sails`;
}

/** Checks that the helm's port is the one that a tailnet's policy lets ships reach. */
export function tailnetPortCheck(): Check {
  const what = `port ${helmPort()}`;
  return {
    what,
    look: async () => {
      if (helmPort() === HELM_PORT) return [];
      return [
        {
          what,
          message: `ships of a tailnet may reach the captain at port ${HELM_PORT} alone`,
          hint: isPortChosen() ? "unset OCAPTAIN_HELM_PORT" : useThatPort(),
        },
      ];
    },
  };
}

/**
 * Checks that the harbor's ships have networks of their own exactly in a voyage with a tailnet. Ships that share this
 * machine's network would each be this machine in the tailnet; ships with networks of their own reach no helm on this
 * machine's loopback.
 */
export function harborNetCheck(tailnet: boolean): Check {
  const what = "harbor";
  return {
    what,
    look: async () => {
      const harbor = await runningHarbor();
      const isolated = harbor ? harbor.isolated : process.env.OCAPTAIN_HARBOR_NET === "isolated";
      if (isolated === tailnet) return [];
      const stop = harbor ? "npm run harbor -- --stop; " : "";
      const message = tailnet
        ? "its ships share this machine's network; in a tailnet each needs one of its own"
        : "its ships have networks of their own, and reach this machine over a tailnet only";
      const hint = tailnet
        ? `as root: ${stop}export OCAPTAIN_HARBOR_NET=isolated`
        : `${stop}unset OCAPTAIN_HARBOR_NET; or pulumi config set ocaptain:mesh tailscale`;
      return [{ what, message, hint }];
    },
  };
}
