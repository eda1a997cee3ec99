import { Config } from "@pulumi/pulumi";
import { OcaptainError } from "../lib/base/errors.ts";
import { askForSecret } from "../lib/base/secret-hints.ts";
import { readTailnetSettings, type TailnetSettings } from "../lib/tailnet/control/settings.ts";

export type HomePort = {
  tailnet: Extract<TailnetSettings, { kind: "tailscale" }>;
  captains: string[];
  allowOpen: boolean;
};

const CAPTAIN = /^([^\s@:"\\]+@[^\s@:"\\]*|group:[^\s:"\\]+|autogroup:(owner|admin|member))$/;

/**
 * Reads the configuration. `tailscale:oauthClientSecret` is the plugin's own and serves the program too: one OAuth
 * client, with the scope policy_file.
 */
export function readHomePort(): HomePort {
  const [own, plugin] = [new Config(), new Config("tailscale")];
  const captains = (own.get("captains") ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);
  const wrong = captains.filter((captain) => !CAPTAIN.test(captain));
  const { settings, findings } = readTailnetSettings({
    tailscaleOauthSecret: plugin.get("oauthClientSecret") ?? process.env.TAILSCALE_OAUTH_CLIENT_SECRET ?? "",
  });
  const said = [
    ...wrong.map((captain) => `home-port:captains: "${captain}" is neither a user (you@example.com) nor a group (group:eng)`),
    ...findings.map(({ message }) => `tailscale:oauthClientSecret ${message.replace(/, which.*/, "")}`),
  ];
  if (said.length > 0 || settings?.kind !== "tailscale")
    throw new OcaptainError("HOME_PORT", said.join("\n"), {
      hint: `pulumi config set home-port:captains  # it asks for them, as you@example.com or group:eng
  ${askForSecret("tailscale:oauthClientSecret", "it asks for it; docs/tailnet.md")}`,
    });
  const baseUrl = (plugin.get("baseUrl") ?? settings.baseUrl).replace(/\/+$/, "");
  return { tailnet: { ...settings, baseUrl }, captains, allowOpen: own.getBoolean("allowOpen") ?? false };
}
