import { OcaptainError } from "../base/errors.ts";
import { errorText, type Http, steady } from "../base/http-call.ts";
import { expect, jsonOf, refused, spriteGone, spritePath } from "./calls.ts";
import type { NetworkRule } from "./types.ts";

const path = (name: string) => `${spritePath(name)}/policy/network`;
const TIMEOUT_MS = 30_000;

/** Reads the rules of a ship's network policy. */
export async function networkPolicy(http: Http, name: string): Promise<NetworkRule[]> {
  const reply = await steady(http, { method: "GET", path: path(name), timeoutMs: TIMEOUT_MS });
  if (reply.status === 404) throw spriteGone(name);
  const what = `read the network policy of ${name}`;
  return jsonOf<{ rules?: NetworkRule[] | null }>(expect(reply, what), what).rules ?? [];
}

/**
 * Rules that let through these names and nothing else. The last rule denies the rest: no rule at all would be no
 * restriction.
 */
export const allowOnly = (names: readonly string[]): NetworkRule[] => [
  ...names.map((domain): NetworkRule => ({ domain, action: "allow" })),
  { domain: "*", action: "deny" },
];

/** Whether two lists of rules say the same. */
export const samePolicy = (one: readonly NetworkRule[], other: readonly NetworkRule[]): boolean => said(one) === said(other);

/**
 * Replaces all rules of a ship. Whether the answer is 200 or 204 says nothing, as the vendor's pages and clients
 * disagree: what counts is what is read back.
 */
export async function setNetworkPolicy(http: Http, name: string, rules: readonly NetworkRule[]): Promise<void> {
  const reply = await steady(http, { method: "POST", path: path(name), json: { rules }, timeoutMs: TIMEOUT_MS });
  if (reply.status === 404) throw spriteGone(name);
  if (reply.status === 400)
    throw new OcaptainError("POLICY_INVALID", `the network policy of ${name} was refused: ${errorText(reply)}`, {
      hint: "rules are domains (example.com, *.example.com) or the preset defaults",
    });
  if (reply.status >= 300) throw refused(`set the network policy of ${name}`, reply);
  const kept = said(await networkPolicy(http, name));
  const wanted = said(rules);
  if (kept !== wanted)
    throw new OcaptainError(
      "POLICY_DIFFERS",
      `the network policy of ${name} was taken, and reads differently: wanted ${wanted || "no rule"}; it has ${kept || "no rule"}`,
      { hint: "pulumi up  # again; if it stays so, the provider does not keep these rules" },
    );
}

/** Rules as a text that is the same for the same rules: the most specific rule wins, so their order says nothing. */
const said = (rules: readonly NetworkRule[]) =>
  [
    ...new Set(
      rules.map((rule) => ("include" in rule ? `include ${rule.include}` : `${rule.action} ${rule.domain.toLowerCase()}`)),
    ),
  ]
    .sort()
    .join(", ");
