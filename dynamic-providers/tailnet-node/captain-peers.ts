import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { Captain } from "../../lib/tailnet/node/captain.ts";
import { ipv4, type TailscaleNode, type TailscaleStatus } from "../../lib/tailnet/node/tailscale-cli.ts";

const LOOK_MS = 150;
const PING_MS = 2_000;
/** Bound of a ping to a node without a known relay, which only a direct way could answer. */
const HOPELESS_PING_MS = 300;
/** Bound of a ping through WireGuard, which sends a lost handshake again after 5 s. */
const TUNNEL_MS = 7_000;

const looks = new Map<string, Promise<TailscaleStatus | null>>();

/** The status of the captain's node. Ships that join at one time share a look, because each look is a process. */
function look(captain: Captain): Promise<TailscaleStatus | null> {
  const key = captain.cli.argv.join("\0");
  const under = looks.get(key);
  if (under) return under;
  const looking = captain.cli.status().finally(() => looks.delete(key));
  looks.set(key, looking);
  return looking;
}

/**
 * Waits until the captain reaches a node: it is in the captain's map, with its ssh host keys and a way to it, and
 * answers a ping, through WireGuard too: Mutagen's ssh waits 5 s for a connection's first bytes, which is no longer
 * than a handshake that was lost. What is sent to a node whose relay is not known yet is lost, so such a ping is hardly
 * waited for (docs/facts/tailnet.md#traps).
 * @throws OcaptainError UNANSWERED when the node seems well and does not answer within `timeoutMs`; UNREACHED, naming
 *   what else is missing
 */
export async function reachNode(captain: Captain, nodeId: string, name: string, timeoutMs: number): Promise<TailscaleNode> {
  let missing = "";
  let hint = "pulumi up";
  let code = "UNREACHED";
  for (const until = performance.now() + timeoutMs; performance.now() < until; await sleep(LOOK_MS)) {
    const node = (await look(captain))?.Peer.find((peer) => peer.ID === nodeId);
    const address = node && ipv4(node);
    code = "UNREACHED";
    if (!node || !address) {
      missing = "this machine's node is not told of it: the tailnet's policy must let the captain reach tag:ocaptain-ship";
      hint = "ocaptain doctor";
    } else if (node.Online === false) missing = "it is not connected to the tailnet";
    else if (node.sshHostKeys.length === 0) {
      missing = "its ssh host keys are not told: the tailnet's policy must have the rule for ssh";
      hint = "ocaptain doctor";
    } else {
      code = "UNANSWERED";
      const answers = await captain.cli.ping(address, node.Relay === "" ? HOPELESS_PING_MS : PING_MS);
      if (answers && (await captain.cli.ping(address, TUNNEL_MS, { wireguard: true }))) return node;
      missing = answers ? "it answers a ping, but not through WireGuard" : "it does not answer a ping";
    }
  }
  throw new OcaptainError(code, `${name} joined the tailnet, but in ${timeoutMs / 1000} s: ${missing}`, { hint });
}
