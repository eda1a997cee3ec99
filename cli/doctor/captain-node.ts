import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { captainNodeHome } from "../../lib/base/paths.ts";
import { captainTailscale, problemOf } from "../../lib/tailnet/node/captain.ts";
import { ipv4, type TailscaleStatus } from "../../lib/tailnet/node/tailscale-cli.ts";
import type { VoyageIdentity } from "../../lib/voyage/identity.ts";
import { type Finding, found } from "./finding.ts";

const ownNode = (stack: string) => `pulumi config set ocaptain:captainNode own -s ${stack}`;

/** Looks at this machine's node in the tailnet, which voyages with a tailnet need. Starts and changes nothing. */
export async function lookAtCaptainNode(voyages: readonly VoyageIdentity[]): Promise<Finding[]> {
  const afloat = voyages.filter(({ control, sunkAt }) => control && !sunkAt);
  const users = namesIn(join(captainNodeHome(), "users"));
  const byMachine = afloat.filter(({ voyageId }) => !users.includes(voyageId));
  const findings = users.length > 0 ? [await own(afloat[0]?.stack)] : [];
  if (users.length === 0 || byMachine.length > 0) findings.push(await machine(byMachine[0]?.stack));

  return findings;
}

async function own(stack: string | undefined): Promise<Finding> {
  const status = await statusOf(true);
  const problem = problemOf(status);
  const what = "tailscale (own)";
  if (problem) return found("daemons", what, "wrong", problem, stack ? `pulumi up -s ${stack}` : "");
  return found("daemons", what, "ok", place(status));
}

/** The finding on the machine's own tailscaled. @param stack  a voyage that needs it */
async function machine(stack: string | undefined): Promise<Finding> {
  const status = await statusOf(false);
  const problem = problemOf(status);
  if (!problem) return found("daemons", "tailscale", "ok", place(status));
  if (stack)
    return found(
      "daemons",
      "tailscale",
      "wrong",
      `${problem}, and voyage ${stack} needs it`,
      `tailscale up  # or a node of the project's own: ${ownNode(stack)}`,
    );
  return found("daemons", "tailscale", "note", `${problem}; only voyages with ocaptain:mesh tailscale need one`);
}

const place = (status: TailscaleStatus | null) =>
  `${(status?.Self && ipv4(status.Self)) ?? "no address"}, ${status?.TUN ? "by a kernel interface" : "in userspace"}`;

const statusOf = async (isOwn: boolean) =>
  captainTailscale({ own: isOwn })
    .then((cli) => cli.status())
    .catch(() => null);

const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
