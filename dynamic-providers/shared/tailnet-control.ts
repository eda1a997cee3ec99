import { OcaptainError } from "../../lib/base/errors.ts";
import { askForSecret } from "../../lib/base/secret-hints.ts";
import type { TailnetKind } from "../../lib/protocol/choices.ts";
import { tailnetControl } from "../../lib/tailnet/control/control.ts";
import type { TailnetControl } from "../../lib/tailnet/control/types.ts";
import { readVoyageIdentity, writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import type { Settings } from "../lifecycle.ts";

/**
 * Opens the configured control plane, if it is the one that a resource records, and of the tailnet in which the
 * voyage's ships are. Another one knows nothing of what was made there, and its "not found" would pass for gone.
 * Tailscale's tailnets are told apart by the domain of their machines' names; a Headscale is one tailnet, wherever it
 * is reached.
 * @throws OcaptainError ANOTHER_TAILNET, NO_TAILNET
 */
export async function controlOf(
  settings: Settings,
  { stack, control }: { stack: string; control: TailnetKind },
): Promise<TailnetControl> {
  const configured = tailnetControl(settings);
  if (configured.kind !== control)
    throw new OcaptainError(
      "ANOTHER_TAILNET",
      `this voyage's ships are in a tailnet of ${control}; the configuration now says ${configured.kind}`,
      {
        hint:
          control === "headscale"
            ? `pulumi config set ocaptain:headscaleUrl -s ${stack}  # it asks for the URL, which is to be as it was`
            : `pulumi config rm ocaptain:headscaleUrl -s ${stack} && ${askForSecret("ocaptain:tailscaleOauthSecret", undefined, stack)}`,
      },
    );
  const file = control === "tailscale" ? await readVoyageIdentity(stack) : null;
  if (file?.tailnet && !file.sunkAt) assertTailnet(stack, file.tailnet, await domainOf(configured));
  return configured;
}

/** Writes down which tailnet a voyage's ships join, once some machine's name tells it. */
export async function recordTailnet(stack: string, control: TailnetControl): Promise<void> {
  const file = await readVoyageIdentity(stack);
  if (control.kind !== "tailscale" || !file || file.tailnet) return;
  const tailnet = await domainOf(control);
  if (tailnet) await writeVoyageIdentity({ ...file, tailnet });
}

/** The domain of a tailnet's machine names; undefined for a tailnet without machines. */
const domainOf = async (control: TailnetControl) => (await control.listNodes()).find(({ domain }) => domain)?.domain;

function assertTailnet(stack: string, made: string, now: string | undefined): void {
  if (now === undefined || now === made) return;
  throw new OcaptainError(
    "ANOTHER_TAILNET",
    `this voyage's ships are in the tailnet ${made}, and the OAuth client's secret is of ${now}, which knows nothing of them`,
    { hint: `a secret of ${made}: ${askForSecret("ocaptain:tailscaleOauthSecret", undefined, stack)}` },
  );
}
