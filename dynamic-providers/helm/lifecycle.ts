import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { fitOrThrow } from "../../lib/base/check-input.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { voyageFolder, withHome } from "../../lib/base/paths.ts";
import { askForSecret } from "../../lib/base/secret-hints.ts";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { readKeptTargets } from "../../lib/notices/kept-targets.ts";
import { type NoticeTarget, NotifySetting } from "../../lib/notices/targets.ts";
import { keptPlan, planMarks } from "../../lib/plan/kept-plan.ts";
import { readSailedPlan } from "../../lib/plan/sailed-plan.ts";
import type { Plan } from "../../lib/plan/types.ts";
import type { RegisterVoyage } from "../../lib/protocol/admin-api.ts";
import type { TailnetKind } from "../../lib/protocol/choices.ts";
import { type Captain, captainNode } from "../../lib/tailnet/node/captain.ts";
import { authorOf, readSigning } from "../../lib/voyage/author.ts";
import { readVoyageProvider } from "../../lib/voyage/provider.ts";
import { defineLifecycle, type Settings } from "../lifecycle.ts";
import { ensureOwnNode, ownNodeIsJoined } from "../shared/own-node.ts";
import { providerSettings } from "../shared/provider-settings.ts";
import { controlOf } from "../shared/tailnet-control.ts";
import { HelmInputs } from "./inputs.ts";

/**
 * `url`: the base URL at which ships reach the helm; in a tailnet each ship has that port itself and passes it on.
 * `captain`: the captain's address in the tailnet, "" without a tailnet.
 */
type Outputs = { url: string; port: number; captain: string };

/** The voyage at the helm: the service runs, and its ledger holds the plan. */
export const helmLifecycle = defineLifecycle<HelmInputs, Outputs>({
  inputs: HelmInputs,
  id: (news) => `${news.stack}-${news.voyageId}`,
  replaceOn: ["stack", "voyageId"],
  asNow,

  async reconcile(settings, news) {
    const { baseUrl, token, unconfined } = providerSettings(settings, news.provider);
    const captain = news.control ? await ensureCaptain(settings, news.control, news) : null;
    const plan = await keptPlan(news.stack, ({ digest }) => digest === news.planDigest);
    const voyage = {
      stack: news.stack,
      folder: voyageFolder(news.stack).root,
      plan,
      ...(await howToSign(settings, news.stack, plan.repo)),
      ...(settings.plan && { planFolder: resolve(withHome(settings.plan)) }),
      hand: news.hand,
      ...(news.budgetUsd && { budgetUsd: news.budgetUsd }),
      ...(news.telemetry && { telemetry: news.telemetry }),
      ...(news.noProgressMinutes && { noProgressMinutes: news.noProgressMinutes }),
      provider: { kind: news.provider, ...(baseUrl && { baseUrl }), ...(token && { token }), ...(unconfined && { unconfined }) },
      notify: notifyOf(settings),
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
      // A helm ends with its last voyage, so another stack's destroy may have ended it just now.
      if (!(error instanceof OcaptainError && error.code === "HELM_DOWN")) throw error;
      await (await ensureHelm()).registerVoyage(news.voyageId, voyage);
    });
    // The port is the running helm's: this process's environment may name another one, for the next helm.
    const { port } = await helm.health();
    return { url: `http://127.0.0.1:${port}`, port, captain: captain?.address ?? "" };
  },

  async read(settings, props) {
    const health = await helmClient()
      .health()
      .catch(() => null);
    const known =
      (health?.voyages.includes(props.voyageId) ?? false) &&
      (await knowsToken(settings, props)) &&
      (await keepsAll(settings, props)) &&
      (await keepsTargets(settings, props)) &&
      !(await isToldAgain(props));
    return {
      ...props,
      present:
        known &&
        (!props.control ||
          (await isCaptainThere(settings, { stack: props.stack, control: props.control, address: props.captain }))),
    };
  },

  async remove(_settings, props) {
    // A dead helm's registry still holds the voyage, so the helm is started to be told.
    const helm = await ensureHelm();
    await helm.deregisterVoyage(props.voyageId);
  },
});

/** States of earlier versions have the whole plan. */
function asNow({ plan, ...olds }: Record<string, unknown>): Record<string, unknown> {
  return plan === undefined ? olds : { ...olds, ...planMarks(plan as Plan) };
}

/**
 * Whether the plan is to be told to the helm once more: it then runs a verify.sh that failed again, and says what is
 * wrong with the repository. A helm that cannot be asked counts as no.
 */
const isToldAgain = ({ voyageId }: HelmInputs) =>
  helmClient()
    .voyage(voyageId)
    .then(
      ({ state, trouble }) => state === "failed" || trouble !== undefined,
      () => false,
    );

/** Who the voyage's commits are by. These are no inputs, since the captain's own identity is that of one machine. */
async function howToSign({ author, signOff }: Settings, stack: string, repo: string) {
  const found = await authorOf(author, repo, voyageFolder(stack).ledger);
  return { ...(found && { author: found, signOff: signOff === "true" }) };
}

/**
 * Whether the ledger keeps the whole plan, the folder that it is from, and who signs, as all of it is now: the first is
 * missing in a voyage of an earlier version, and none of the others is an input.
 */
async function keepsAll(settings: Settings, props: HelmInputs): Promise<boolean> {
  const { ledger } = voyageFolder(props.stack);
  try {
    const sailed = readSailedPlan(ledger);
    if (!sailed || sailed.plan.digest !== asNow(props).planDigest) return false;
    // A delegate in the state of an earlier version does not hand these settings on, which says nothing of them.
    if (!("plan" in settings)) return true;
    const { author, signOff } = readSigning(ledger) ?? {};
    const sign = await howToSign(settings, props.stack, sailed.plan.repo);
    return (
      sailed.folder === (settings.plan ? resolve(withHome(settings.plan)) : "") &&
      isDeepStrictEqual(author, sign.author ?? null) &&
      signOff === (sign.signOff ?? false)
    );
  } catch {
    return false; // The registration that follows says what is wrong.
  }
}

/**
 * The targets of notices as they are set. The program has refused what is wrong with them before.
 * @throws OcaptainError BAD_NOTIFY, which quotes nothing of the setting
 */
function notifyOf({ notify }: Settings): NoticeTarget[] {
  if (notify === undefined) return [];
  return fitOrThrow(
    NotifySetting,
    notify,
    (why) => new OcaptainError("BAD_NOTIFY", `ocaptain:notify: ${why}`, { hint: askForSecret("ocaptain:notify") }),
  );
}

/** Whether the helm keeps the targets of notices as they are now, which are no inputs either. */
async function keepsTargets(settings: Settings, { stack }: HelmInputs): Promise<boolean> {
  if (!("notify" in settings)) return true; // A delegate of an earlier version does not hand them on.
  try {
    const kept = await readKeptTargets(voyageFolder(stack).notify);
    return isDeepStrictEqual(
      kept.map(({ target }) => target),
      notifyOf(settings),
    );
  } catch {
    return false; // The registration that follows writes them anew, or says what is wrong with them.
  }
}

/** The captain's node of the tailnet, which this project runs itself where `ocaptain:captainNode` says so. */
async function ensureCaptain(
  settings: Settings,
  control: TailnetKind,
  of: { stack: string; voyageId: string },
): Promise<Captain> {
  const own = settings.captainNode === "own";
  if (own) await ensureOwnNode(await controlOf(settings, { stack: of.stack, control }), of);
  return captainNode({ own });
}

/**
 * Whether the captain's node is up at that address. A node of this project's own is also looked up at the control
 * plane, which knows better than the node.
 */
async function isCaptainThere(
  settings: Settings,
  { stack, control, address }: { stack: string; control: TailnetKind; address: string },
): Promise<boolean> {
  const own = settings.captainNode === "own";
  const node = await captainNode({ own }).catch(() => null);
  return node?.address === address && (!own || (await ownNodeIsJoined(await controlOf(settings, { stack, control }))));
}

/**
 * Whether the helm's copy of the provider's token, with which it wakes ships, is the present one: a token is no input,
 * so no change of it is seen otherwise.
 */
async function knowsToken(settings: Settings, props: HelmInputs): Promise<boolean> {
  const { token } = providerSettings(settings, props.provider);
  const kept = await readVoyageProvider(voyageFolder(props.stack)).catch(() => null);
  return !token || kept?.token === token;
}
