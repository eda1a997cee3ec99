import { OcaptainError } from "../lib/base/errors.ts";
import { unmergePolicy } from "../lib/tailnet/policy/policy.ts";
import type { Policy, PolicyApi } from "../lib/tailnet/policy/policy-api.ts";

/**
 * Checks, a moment before the plugin writes, that the policy is still the one that was read: the plugin's Acl sends no
 * If-Match in an update, and writes over whatever is there. Somebody who saves in that moment loses.
 * @throws OcaptainError POLICY_CHANGED
 */
export async function stillAsRead(api: PolicyApi, { etag, text }: Policy): Promise<void> {
  const now = await api.read();
  if (now.text !== text || now.etag !== etag)
    throw new OcaptainError("POLICY_CHANGED", "the tailnet's policy was changed meanwhile: nothing was written over it", {
      hint: "pulumi up  # reads it anew",
    });
}

/**
 * Takes our rules out of the policy, at destroy; the rest stays. The plugin itself would do nothing, or write a policy
 * that allows everything.
 */
export async function takeOut(api: PolicyApi): Promise<void> {
  const { text, etag } = await api.read();
  const rest = unmergePolicy(text);
  if ("refused" in rest) throw new OcaptainError("POLICY", `ocaptain's rules cannot be taken out:\n${rest.refused.join("\n")}`);
  if (rest.text !== text) await api.write(rest.text, etag);
}
