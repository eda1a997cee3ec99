import { join } from "node:path";
import { captainArch } from "../../lib/tailnet/node/parts.ts";
import { checkoutFolder, readStamp } from "../../tools/places.mjs";
import { setup } from "../../tools/setup.mjs";

/** The bound of the first build on a machine; later builds are found and take no time (docs/tailnet.md). */
export const BUILD_MS = 30 * 60_000;

/**
 * Gives the real headscale, and the folder of tailscale and tailscaled: set-up's on-demand parts, which are built once
 * a checkout and then found. Two processes that ask at once share one build by set-up's lock; its progress is on
 * standard error.
 */
export async function goParts() {
  const tailscale = `tailscale-${captainArch()}`;
  await setup({ quiet: true, names: [tailscale, "headscale"] });
  return {
    headscale: readStamp("headscale").path ?? join(checkoutFolder, "headscale/headscale"),
    folder: readStamp(tailscale).folder ?? join(checkoutFolder, tailscale),
  };
}
