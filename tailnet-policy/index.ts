import { getStack, log, ResourceHook } from "@pulumi/pulumi";
import tailscale from "@pulumi/tailscale";
import "../components/pulumi-runtime.ts";
import { explain, OcaptainError } from "../lib/base/errors.ts";
import { mergePolicy } from "../lib/tailnet/policy/policy.ts";
import { openPolicy } from "../lib/tailnet/policy/policy-api.ts";
import { policyRules } from "../lib/tailnet/policy/policy-rules.ts";
import { stillAsRead, takeOut } from "./guards.ts";
import { readHomePort } from "./settings.ts";

/**
 * Reads the policy, puts our rules in, shows the difference, and hands the whole to the plugin; or says what is in the
 * way.
 */
async function homePort() {
  const { tailnet, captains, allowOpen } = readHomePort();
  const api = openPolicy(tailnet);
  const read = await api.read();
  const merged = mergePolicy(read.text, policyRules("tailscale", captains), { allowOpen });
  if ("refused" in merged)
    throw new OcaptainError(
      "POLICY",
      `the tailnet's policy is left as it is:\n${merged.refused.map((why) => `  ${why}`).join("\n")}`,
      {
        hint: "change it at login.tailscale.com/admin/acls, then pulumi preview",
      },
    );
  for (const note of merged.notes) void log.warn(note);
  if (merged.text !== read.text) {
    void log.info(`The tailnet's policy changes by these lines, and no other:\n${merged.diff}`);
    await api.validate(merged.text);
  }
  const asRead = new ResourceHook("policy-as-read", () => stillAsRead(api, read));
  const out = new ResourceHook("policy-rules-out", () => takeOut(api));
  const hooks = { beforeCreate: [asRead], beforeUpdate: [asRead], beforeDelete: [out] };
  // What is there was read and is part of it, so nothing of others' is overwritten.
  const policy = new tailscale.Acl("policy", { acl: merged.text, overwriteExistingContent: true }, { hooks });
  return { policy, diff: merged.diff };
}

export const { diff } = await homePort().catch((error: unknown) => {
  throw new Error(explain(error, getStack()));
});
