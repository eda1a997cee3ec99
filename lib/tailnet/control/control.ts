import { createHash } from "node:crypto";
import { OcaptainError } from "../../base/errors.ts";
import { shared } from "../../base/single-flight.ts";
import { headscaleControl } from "./headscale.ts";
import { readTailnetSettings, type TailnetConfig, type TailnetSettings } from "./settings.ts";
import { tailscaleControl } from "./tailscale-api.ts";
import type { TailnetControl } from "./types.ts";

/** The control planes that are open, by URL and secret, so that all callers in a process share one access token. */
const opened = new Map<string, TailnetControl>();

/**
 * The control plane that the configuration means.
 * @throws OcaptainError NO_TAILNET when the configuration names none, or is incomplete
 */
export function tailnetControl(config: TailnetConfig): TailnetControl {
  const { settings, findings } = readTailnetSettings(config);
  const [wrong] = findings;
  if (!settings) throw new OcaptainError("NO_TAILNET", `${wrong?.what} ${wrong?.message}`, { hint: wrong?.hint ?? "" });
  const key = createHash("sha256").update(JSON.stringify(settings)).digest("hex");
  const control = opened.get(key) ?? open(settings);
  opened.set(key, control);
  return control;
}

/**
 * Opens a control plane. Calls for the list of machines share one answer, because a refresh makes one or two a ship,
 * all at one time.
 */
function open(settings: TailnetSettings): TailnetControl {
  const control = settings.kind === "headscale" ? headscaleControl(settings) : tailscaleControl(settings);
  return { ...control, listNodes: shared(() => control.listNodes()), probe: () => control.probe() };
}
