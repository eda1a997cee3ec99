import { readFile, rm } from "node:fs/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { spritePrefix } from "../../lib/base/naming.ts";
import { mutagenHome, tailnetSshHome, voyageFolder } from "../../lib/base/paths.ts";
import { stopHarborIfIdle } from "../../lib/daemons/harbor.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { type SyncedVoyage, voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { hasWork } from "../../lib/ship/has-work.ts";
import type { Organisation } from "../../lib/sprites/organisation.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { nodesOfVoyage, removeNodes } from "../../lib/tailnet/control/nodes.ts";
import type { TailnetControl } from "../../lib/tailnet/control/types.ts";
import { nonceLabel } from "../../lib/voyage/labels.ts";
import type { Settings } from "../lifecycle.ts";
import { isAbandoned } from "../shared/abandoned.ts";
import { leaveOwnNode } from "../shared/own-node.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { controlOf } from "../shared/tailnet-control.ts";

type Voyage = SyncedVoyage & { stack: string; nonce: string; organisation?: Organisation | undefined };

/**
 * Proves that nothing is left of a voyage: asks the provider, the control plane of the tailnet, the sync daemon and the
 * helm, and ends the voyage's own daemons. When it does not throw, the fleet is gone.
 * @throws OcaptainError NOT_SUNK, which names everything that is left
 */
export async function proveSunk(settings: Settings, voyage: Voyage): Promise<void> {
  const left: string[] = [];

  const sprites = await spritesOf(settings, voyage);
  for (const name of await sprites.list(spritePrefix(voyage.stack, voyage.voyageId)))
    if (!(await sweep(settings, sprites, voyage, name))) left.push(`sprite ${name}`);

  if (voyage.control)
    left.push(
      ...(await sweepTailnet(await controlOf(settings, { ...voyage, control: voyage.control }), voyage, left.length === 0)),
    );

  const mutagen = voyageMutagen(voyage);
  if (left.length === 0 && (await mutagen.running())) {
    for (const session of await mutagen.list()) await mutagen.terminate(session.name); // their VMs are gone
    await mutagen.stopDaemon();
  }
  if (await mutagen.running()) left.push(`sync daemon of voyage ${voyage.voyageId}`);

  const helm = await helmClient()
    .health()
    .catch((error: unknown) => {
      if (error instanceof OcaptainError && error.code === "HELM_DOWN") return null;
      throw error; // a helm that does not answer in time proves nothing
    });
  if (helm?.voyages.includes(voyage.voyageId)) left.push(`voyage ${voyage.voyageId} at the helm (pid ${helm.pid})`);

  if (left.length > 0)
    throw new OcaptainError("NOT_SUNK", `voyage "${voyage.stack}" is not gone: ${left.join(", ")}`, {
      hint: `pulumi up -s ${voyage.stack} && pulumi destroy -s ${voyage.stack}  # up takes them on again`,
    });

  // The sync daemon goes on writing for a moment after it has closed its socket.
  await rm(mutagenHome(voyage.voyageId), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  if (voyage.control) {
    await rm(tailnetSshHome(voyage.voyageId), { recursive: true, force: true });
    await leaveOwnNode(await controlOf(settings, { ...voyage, control: voyage.control }), voyage.voyageId);
  }
  if (voyage.provider === "harbor") await stopHarborIfIdle();
}

/**
 * Removes a VM of this voyage that the state does not know, because an `up` died between making and recording it, or
 * the state was lost. A VM that holds work, has a mirror, or cannot be looked at is left for the captain to decide: by
 * an `up`, which takes it on, or by naming it in `ocaptain:abandonUnsynced`. Returns whether the VM is gone.
 */
async function sweep(settings: Settings, sprites: SpritesClient, voyage: Voyage, name: string): Promise<boolean> {
  const live = await sprites.get(name);
  if (!live) return true;
  if (!live.labels.includes(nonceLabel(voyage.nonce))) return false;
  const ship = name.slice(spritePrefix(voyage.stack, voyage.voyageId).length);
  const mirrored = await readFile(`${voyageFolder(voyage.stack).mirror(ship)}.incarnation`, "utf8").catch(() => "");
  const isEmpty = mirrored !== live.id && !(await hasWork(sprites, name).catch(() => true));
  if (!isEmpty && !isAbandoned(settings, ship)) return false;
  await sprites.remove(name);
  return true;
}

/**
 * Removes nodes and keys of the voyage that the state does not know, because an `up` died between making and recording
 * them. `mayRemove` is false where a VM stays, since its node then stays too. Returns the names of what is left.
 */
async function sweepTailnet(control: TailnetControl, voyage: Voyage, mayRemove: boolean): Promise<string[]> {
  const prefix = spritePrefix(voyage.stack, voyage.voyageId);
  if (mayRemove) {
    await removeNodes(control, nodesOfVoyage(await control.listNodes(), prefix));
    for (const { id } of await control.listKeys(voyage.voyageId)) await control.deleteKey(id, voyage.voyageId);
  }
  const [nodes, keys] = [nodesOfVoyage(await control.listNodes(), prefix), await control.listKeys(voyage.voyageId)];
  return [...nodes.map(({ name }) => `node ${name} of the tailnet`), ...keys.map(({ id }) => `key ${id} of the tailnet`)];
}
