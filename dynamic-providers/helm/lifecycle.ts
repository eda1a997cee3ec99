import { OcaptainError } from "../../lib/base/errors.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { RegisterVoyage } from "../../lib/protocol/admin-api.ts";
import type { TailnetKind } from "../../lib/protocol/choices.ts";
import { type Captain, captainNode } from "../../lib/tailnet/node/captain.ts";
import { ensureOwnNode, ownNodeIsJoined } from "../../lib/tailnet/node/own-node.ts";
import { readVoyageProvider } from "../../lib/voyage/provider.ts";
import { defineLifecycle, type Settings } from "../lifecycle.ts";
import { providerSettings } from "../shared/provider-settings.ts";
import { controlOf } from "../shared/tailnet-control.ts";
import { HelmInputs } from "./inputs.ts";

/** `url`: where ships reach the helm, which in a tailnet is their own door to it. `captain`: the captain's address in the tailnet, else "". */
type Outputs = { url: string; port: number; captain: string };

/** The voyage's place at the helm: the daemon runs, and its ledger holds the plan. */
export const helmLifecycle = defineLifecycle<HelmInputs, Outputs>({
  inputs: HelmInputs,
  id: (news) => `${news.stack}-${news.voyageId}`,
  replaceOn: ["stack", "voyageId"],

  async reconcile(settings, news) {
    const { baseUrl, token, unconfined } = providerSettings(settings, news.provider);
    const captain = news.control ? await ensureCaptain(settings, news.control, news) : null;
    const voyage = {
      stack: news.stack,
      folder: voyageFolder(news.stack).root,
      plan: news.plan,
      hand: news.hand,
      ...(news.budgetUsd && { budgetUsd: news.budgetUsd }),
      provider: { kind: news.provider, ...(baseUrl && { baseUrl }), ...(token && { token }), ...(unconfined && { unconfined }) },
      ...(captain?.tun && { listenAt: captain.address }),
      timing: {
        leaseSeconds: news.leaseSeconds,
        heartbeatSeconds: news.leaseSeconds / 12,
        fenceSeconds: (news.leaseSeconds * 3) / 4,
        lingerSeconds: news.lingerSeconds,
      },
    } satisfies RegisterVoyage;
    const helm = await ensureHelm({ tailnet: news.control !== undefined });
    await helm.registerVoyage(news.voyageId, voyage).catch(async (error: unknown) => {
      // A helm ends with its last voyage: another stack's destroy may have ended it just now.
      if (!(error instanceof OcaptainError && error.code === "HELM_DOWN")) throw error;
      await (await ensureHelm()).registerVoyage(news.voyageId, voyage);
    });
    // The running helm's port, whatever this process's environment says of the next one's.
    const { port } = await helm.health();
    return { url: `http://127.0.0.1:${port}`, port, captain: captain?.address ?? "" };
  },

  async read(settings, props) {
    const health = await helmClient()
      .health()
      .catch(() => null);
    const known =
      (health?.voyages.includes(props.voyageId) ?? false) && (await knowsToken(settings, props)) && !(await isToldAgain(props));
    return {
      ...props,
      present:
        known &&
        (!props.control ||
          (await isCaptainThere(settings, { stack: props.stack, control: props.control, address: props.captain }))),
    };
  },

  async remove(_settings, props) {
    // A dead helm holds no voyage in memory, but its registry does: it is started to be told.
    const helm = await ensureHelm();
    await helm.deregisterVoyage(props.voyageId);
  },
});

/** A verify.sh that failed is run again once the plan is told again, and trouble with the repository is said then. A helm that cannot be asked says nothing of it. */
const isToldAgain = ({ voyageId }: HelmInputs) =>
  helmClient()
    .voyage(voyageId)
    .then(
      ({ state, trouble }) => state === "failed" || trouble !== undefined,
      () => false,
    );

/** The captain's node, made by us where that is asked for. */
async function ensureCaptain(
  settings: Settings,
  control: TailnetKind,
  of: { stack: string; voyageId: string },
): Promise<Captain> {
  const own = settings.captainNode === "own";
  if (own) await ensureOwnNode(await controlOf(settings, { stack: of.stack, control }), of);
  return captainNode({ own });
}

/** Is the captain's node up, at that address; and, if it is our own, in the tailnet, which it does not know best itself? */
async function isCaptainThere(
  settings: Settings,
  { stack, control, address }: { stack: string; control: TailnetKind; address: string },
): Promise<boolean> {
  const own = settings.captainNode === "own";
  const node = await captainNode({ own }).catch(() => null);
  return node?.address === address && (!own || (await ownNodeIsJoined(await controlOf(settings, { stack, control }))));
}

/** A rotated token is no input, so the helm's copy, for its wake-up calls, is compared here. */
async function knowsToken(settings: Settings, props: HelmInputs): Promise<boolean> {
  const { token } = providerSettings(settings, props.provider);
  const kept = await readVoyageProvider(voyageFolder(props.stack)).catch(() => null);
  return !token || kept?.token === token;
}
