import { OcaptainError } from "../lib/errors.ts";
import { tailnetControl } from "../lib/tailnet/control.ts";
import type { TailnetControl, TailnetKind } from "../lib/tailnet/types.ts";
import type { Settings } from "./lifecycle.ts";

/**
 * The configured control plane, if it is the one that a resource records (design 3): another one knows nothing of what was made there, and its
 * "not found" would pass for gone.
 * @throws OcaptainError ANOTHER_TAILNET, NO_TAILNET
 */
export function controlOf(settings: Settings, recorded: TailnetKind): TailnetControl {
  const configured = tailnetControl(settings);
  if (configured.kind === recorded) return configured;
  throw new OcaptainError(
    "ANOTHER_TAILNET",
    `this voyage's ships are in a tailnet of ${recorded}; the configuration now says ${configured.kind}`,
    {
      hint:
        recorded === "headscale"
          ? "pulumi config set ocaptain:headscaleUrl URL  (as it was)"
          : "pulumi config rm ocaptain:headscaleUrl, and set ocaptain:tailscaleOauthSecret",
    },
  );
}
