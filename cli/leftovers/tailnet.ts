import { spritePrefix } from "../../lib/base/naming.ts";
import { tailnetControl } from "../../lib/tailnet/control/control.ts";
import { nodesOfVoyage, removeNodes } from "../../lib/tailnet/control/nodes.ts";
import { readTailnetSettings, type TailnetConfig } from "../../lib/tailnet/control/settings.ts";
import type { Leftover, Look } from "./leftover.ts";
import type { Ours } from "./ours.ts";

/**
 * Finds machines and keys of voyages that have sunk in the tailnet for which the environment has a secret. A machine
 * has no captain's mark: so only those of voyages count that this captain knows.
 *
 * @param vms what was found at the providers: the machine of a VM that stays, stays too
 */
export async function leftInTailnet(ours: Ours, vms: Look): Promise<Look> {
  const sunk = [...ours.voyages.values()].filter(({ file }) => file.control && ours.standing(file.voyageId) === "sunk");
  if (sunk.length === 0) return { left: [], notAsked: [] };
  const config: TailnetConfig = process.env.HEADSCALE_URL ? { headscaleUrl: process.env.HEADSCALE_URL } : {};
  const { settings } = readTailnetSettings(config);
  if (!settings) {
    const secret = "HEADSCALE_URL with HEADSCALE_API_KEY, or OCAPTAIN_TAILSCALE_OAUTH_SECRET";
    return { left: [], notAsked: [`the tailnet: the environment has no secret for it (${secret})`] };
  }
  const control = tailnetControl(config);
  const nodes = await control.listNodes();
  const left: Leftover[] = [];
  for (const { file } of sunk.filter(({ file }) => file.control === control.kind)) {
    const about = {
      voyage: file.voyageId,
      standing: "sunk" as const,
      message: `is in the tailnet, though ${ours.why(file.voyageId)}`,
    };
    // Without the provider's word a machine may be the only way to a VM that is still there.
    const isUnseen = file.organisation !== undefined && vms.notAsked.length > 0;
    for (const node of nodesOfVoyage(nodes, spritePrefix(file.stack, file.voyageId))) {
      const vm = vms.left.find(({ name }) => name === `sprite ${node.hostname}`);
      const kept = vm?.kept ? "its VM stays" : isUnseen ? "whether its VM is gone is not known" : null;
      left.push({
        ...about,
        kind: "node",
        name: `node ${node.name}`,
        kept,
        hint: kept ? "ocaptain sweep  # once that is so" : "",
        remove: () => removeNodes(control, [node]),
      });
    }
    for (const { id } of await control.listKeys(file.voyageId))
      left.push({
        ...about,
        kind: "key",
        name: `key ${id}`,
        kept: null,
        hint: "",
        remove: () => control.deleteKey(id, file.voyageId),
      });
  }
  return { left, notAsked: [] };
}
