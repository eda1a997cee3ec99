import { OcaptainError } from "../lib/base/errors.ts";
import { unmergePolicy } from "../lib/tailnet/policy/policy.ts";
import type { Policy, PolicyApi } from "../lib/tailnet/policy/policy-api.ts";

/**
 * Before the plugin writes: it writes over what is there, whatever that is (its Acl sends no If-Match in an update), so what was read is looked at once
 * more, a moment before. Somebody who saves in that moment loses; the plugin knows no better way.
 */
export async function stillAsRead(api: PolicyApi, { etag, text }: Policy): Promise<void> {
  const now = await api.read();
  if (now.text !== text || now.etag !== etag)
    throw new OcaptainError("POLICY_CHANGED", "the tailnet's policy was changed meanwhile: nothing was written over it", {
      hint: "pulumi up  # reads it anew",
    });
}

/** At destroy, for which the plugin has nothing (or a policy that allows everything): ours goes, the rest stays, and only over what was read. */
export async function takeOut(api: PolicyApi): Promise<void> {
  const { text, etag } = await api.read();
  const rest = unmergePolicy(text);
  if ("refused" in rest) throw new OcaptainError("POLICY", `ocaptain's rules cannot be taken out:\n${rest.refused.join("\n")}`);
  if (rest.text !== text) await api.write(rest.text, etag);
}
