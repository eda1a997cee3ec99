import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { OcaptainError } from "../../base/errors.ts";
import { captainNodeHome } from "../../base/paths.ts";
import { captainArch, tailscaleParts } from "./parts.ts";
import { ipv4, type Tailscale, type TailscaleStatus, tailscaleCli } from "./tailscale-cli.ts";

/** The captain's place in the tailnet. */
export type Captain = {
  cli: Tailscale;
  /** The IPv4 address in the tailnet. */
  address: string;
  /**
   * Whether a kernel interface has that address; else tailscaled alone has it, and delivers what comes in to loopback.
   */
  tun: boolean;
  /** The node's id at the control plane. */
  nodeId: string;
  hostname: string;
};

/**
 * The node that a voyage asks for: its `own` (`ocaptain:captainNode: own`), which this project runs; else the
 * machine's, or the one whose socket OCAPTAIN_TAILSCALE_SOCKET names.
 */
export type CaptainWish = { own: boolean };

export const ownSocket = () => join(captainNodeHome(), "tailscaled.sock");

/**
 * The `tailscale` command for the captain's node: that on PATH, else the one that set-up made.
 * @throws OcaptainError TAILSCALE_MISSING
 */
export async function captainTailscale({ own }: CaptainWish): Promise<Tailscale> {
  if (own) return tailscaleCli(ownSocket(), (await tailscaleParts(captainArch())).tailscale.path);
  const socket = process.env.OCAPTAIN_TAILSCALE_SOCKET || null;
  return tailscaleCli(socket, onPath("tailscale") ?? (await tailscaleParts(captainArch())).tailscale.path);
}

/**
 * Reads the captain's node, which must be up.
 * @throws OcaptainError CAPTAIN_NODE with what is wrong, and what helps
 */
export async function captainNode(wish: CaptainWish): Promise<Captain> {
  const cli = await captainTailscale(wish);
  const status = await cli.status();
  const problem = problemOf(status);
  const address = status?.Self ? ipv4(status.Self) : null;
  if (problem || !status?.Self || !address)
    throw new OcaptainError("CAPTAIN_NODE", `this machine's node of the tailnet: ${problem ?? "it has no IPv4 address"}`, {
      hint: wish.own ? "pulumi up" : "tailscale up  # or a node of the project's own: pulumi config set ocaptain:captainNode own",
    });
  return { cli, address, tun: status.TUN, nodeId: status.Self.ID, hostname: status.Self.HostName };
}

/** Why a node with this status is of no use, in words for people; null when it is up. */
export function problemOf(status: TailscaleStatus | null): string | null {
  if (!status) return "no tailscaled answers here";
  return status.BackendState === "Running" ? null : `tailscaled is ${STATES[status.BackendState] ?? status.BackendState}`;
}

const STATES: Record<string, string> = {
  NeedsLogin: "not logged in",
  NeedsMachineAuth: "waiting for the tailnet's admin to approve this machine",
  Stopped: "stopped (tailscale down)",
  Starting: "still starting",
  NoState: "still starting",
};

function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, program)).find(existsSync) ?? null;
}
