import { CAPTAIN_TAG, SHIP_TAG } from "../control/types.ts";

/** The helm's port at the captain, which is all that a ship may reach. */
export const HELM_PORT = 4318;

/** The sections of a policy file in which we have rules. Headscale has `acls` for what Tailscale calls grants. */
export type Rules = Partial<Record<"tagOwners" | "grants" | "acls" | "ssh", Record<string, unknown> | readonly object[]>>;

/**
 * The rules that voyages need in a tailnet's policy: captains reach ships, ships reach captains at the helm's port,
 * captains come to ships by ssh, and nothing else. DNS is left alone.
 *
 * @param captains  users (`you@example.com`; at Headscale `you@`) and groups whose machines are captains, beside nodes
 *   with CAPTAIN_TAG
 */
export function policyRules(dialect: "tailscale" | "headscale", captains: readonly string[]): Rules {
  const from = [...captains, CAPTAIN_TAG];
  const tagOwners = { [SHIP_TAG]: [...captains], [CAPTAIN_TAG]: [...captains] };
  const ssh = [{ action: "accept", src: from, dst: [SHIP_TAG], users: ["root", "autogroup:nonroot"] }];
  if (dialect === "tailscale") {
    const grants = [
      { src: from, dst: [SHIP_TAG], ip: ["*"] },
      { src: [SHIP_TAG], dst: from, ip: [`tcp:${HELM_PORT}`] },
    ];
    return { tagOwners, grants, ssh };
  }
  const acls = [
    { action: "accept", src: from, dst: [`${SHIP_TAG}:*`] },
    { action: "accept", src: [SHIP_TAG], proto: "tcp", dst: from.map((who) => `${who}:${HELM_PORT}`) },
  ];
  return { tagOwners, acls, ssh };
}
