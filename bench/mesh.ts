import { execa } from "execa";
import { policyRules } from "../lib/tailnet/policy/policy-rules.ts";
import { startHeadscale } from "../tests/tailnet/headscale.ts";
import { HEADSCALE_HOST, noOwnNetwork, openNetwork } from "../tests/tailnet/own-network.ts";

/** A voyage is measured without a tailnet, and with one. */
export type Mesh = "none" | "tailscale";

/**
 * Starts a real headscale in this process's own network namespace (`unshare --net`, as root), and sets
 * HEADSCALE_API_KEY. `sea` gives the configuration and the environment of a voyage with or without a tailnet, with the
 * captain's own node in userspace. `close` ends headscale.
 */
export async function openMeshes() {
  const why = noOwnNetwork();
  if (why) throw new Error(why);
  await execa("ip", ["link", "set", "lo", "up"]);
  await openNetwork();
  const headscale = await startHeadscale({ host: HEADSCALE_HOST, policy: policyRules("headscale", []) });
  process.env.HEADSCALE_API_KEY = headscale.apiKey;
  const config = { "ocaptain:mesh": "tailscale", "ocaptain:headscaleUrl": headscale.url, "ocaptain:captainNode": "own" };
  return {
    sea: (mesh: Mesh): Sea =>
      mesh === "none"
        ? // Ships reach the helm on the loopback that they share with it.
          { config: {}, env: { OCAPTAIN_HARBOR_NET: "shared" } }
        : { config, env: { OCAPTAIN_HARBOR_NET: "isolated", OCAPTAIN_HELM_PORT: "4318" } },
    close: headscale.close,
  };
}

/** `config` is the stack's. `env` is for whoever sails it, and is set after the machine is opened. */
export type Sea = { config: Record<string, string>; env: Record<string, string> };
