import { isIP } from "node:net";
import { join } from "node:path";
import type { PreflightFinding } from "../base/finding.ts";
import { inDotEnv } from "../base/secret-hints.ts";
import { isAllowed } from "../plan/domains.ts";
import type { Plan } from "../plan/types.ts";
import type { HandKind, Mesh } from "../protocol/choices.ts";

const API = "https://api.anthropic.com";

/** Finds what a sound plan asks for its ships and this captain's configuration and environment cannot give. */
export function planAsks(
  folder: string,
  { network, github }: Plan,
  { hand, mesh }: { hand?: HandKind | undefined; mesh?: Mesh | undefined },
  env: NodeJS.ProcessEnv = process.env,
): PreflightFinding[] {
  const file = join(folder, "voyage.json");
  const findings: PreflightFinding[] = [];
  const add = (field: string, message: string, hint: string) => findings.push({ what: `${file} ${field}`, message, hint });
  if (network && mesh === "tailscale")
    add(
      "network",
      "does not go with ocaptain:mesh tailscale: whether a network policy leaves the tailnet's direct paths open is not known, and a ship that cannot reach the helm does nothing",
      `take network out of ${file}`,
    );
  const closed = network && hand === "claude" ? apiProblem(network.allow, env.ANTHROPIC_BASE_URL || API) : null;
  if (closed) add("network.allow", closed.message, closed.hint);
  // The rehearsal hand is given no credentials at all.
  if (github && hand === "claude" && !env.GH_TOKEN)
    add("github", "asks for GH_TOKEN on the ships, and it is not set", `${inDotEnv("GH_TOKEN")}, or take github out of ${file}`);
  return findings;
}

/**
 * Tells why the plan's network policy leaves the hand's model out of reach; null when it does not. Nothing is added to
 * a plan's list silently.
 */
function apiProblem(allow: readonly string[], url: string): { message: string; hint: string } | null {
  const host = URL.parse(url)?.hostname.replace(/^\[|\]$/g, "");
  if (!host)
    return { message: "cannot be compared with ANTHROPIC_BASE_URL, which is no URL", hint: `export ANTHROPIC_BASE_URL=${API}` };
  // A ship's traffic to itself passes no policy.
  if (host === "localhost" || host === "::1" || /^127\./.test(host) || isAllowed(allow, host)) return null;
  if (isIP(host))
    return {
      message: `cannot allow ${host}, where ANTHROPIC_BASE_URL points: a network policy knows names only`,
      hint: "unset ANTHROPIC_BASE_URL  # or give it the https:// address of a name",
    };
  return { message: `does not allow ${host}, which the hand claude calls its model at`, hint: `add "${host}" to network.allow` };
}
