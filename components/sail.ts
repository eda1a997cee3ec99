import { getStack, log, runtime } from "@pulumi/pulumi";
import { loadDotEnv } from "../lib/base/dot-env.ts";
import { keepInside } from "../lib/base/no-proxy.ts";
import { voyageFolder } from "../lib/base/paths.ts";
import { NOT_ISOLATED } from "../lib/daemons/harbor.ts";
import { helmClient } from "../lib/daemons/helm-client.ts";
import { keepPlan } from "../lib/plan/kept-plan.ts";
import { preflight } from "../lib/preflight/preflight.ts";
import type { VoyageStatus } from "../lib/protocol/status.ts";
import { claudeCredentials, credentialsDigest } from "../lib/ship/credentials.ts";
import { crewDigest } from "../lib/ship/crew-pack.ts";
import { readVoyageIdentity } from "../lib/voyage/identity.ts";
import { nextStep } from "../lib/voyage/next-step.ts";
import { captainSteps } from "./captain-steps.ts";
import { readVoyageConfig } from "./config.ts";
import { summaryOf, voyageOutputs } from "./outputs.ts";
import { planNews } from "./plan-news.ts";
import { plainly, tellFailuresOnce } from "./pulumi-runtime.ts";
import { shipTailnet } from "./ship-tailnet.ts";
import { Voyage } from "./voyage.ts";
import { sailingWarnings, stoppedByScale, whatSails } from "./what-sails.ts";

/** Whether `ocaptain` runs this program, and shows what it says once, also where it says the same in two runs. */
const BY_OCAPTAIN = process.env.OCAPTAIN_SAILS === "true";

/** The outputs of a voyage's stack, which `pulumi stack output` shows. */
export type VoyageOutputs = ReturnType<typeof voyageOutputs>;

/**
 * Sails the voyage that the stack's configuration (namespace `ocaptain`) describes. It checks all settings and the
 * machine first, and registers the voyage only when nothing is wrong. A Pulumi program calls it once and exports the
 * result as its outputs.
 * @throws RunError with every finding, before anything is made
 */
export async function sail(): Promise<VoyageOutputs> {
  tellFailuresOnce();
  loadDotEnv(process.cwd());
  keepInside();
  const stack = getStack();
  const { config, findings } = readVoyageConfig();
  if (config.provider === "harbor" && config.unconfined) void log.warn(NOT_ISOLATED);
  const { plan, shipCount, warnings, kept, commit } = await plainly(() => preflight({ ...config, stack }, findings));
  const sailing = { ...config, stack, plan, folder: config.plan, ships: shipCount, commit };
  // `pulumi up` begins with a preview; `ocaptain sail` need not, and then this run is the first to say it.
  const isFirst = runtime.isDryRun() || BY_OCAPTAIN;
  const status = await statusAtSea(stack);
  if (isFirst) void log.info(whatSails(sailing, status));
  for (const warning of warnings) void log.warn(warning);
  for (const warning of sailingWarnings(sailing, status)) void log.warn(warning);
  const stopped = status && stoppedByScale(sailing, status);
  if (stopped) void log.warn(stopped);
  const news = isFirst ? await planNews(stack, plan) : null;
  if (news) void log.info(news);
  if (kept && isFirst) void log.info(kept);
  if (!config.keepWorkspace)
    void log.warn(`ocaptain:keepWorkspace is false: a destroy deletes ${voyageFolder(stack).root}, repository and all`);
  if (config.abandonUnsynced)
    void log.warn(
      `ocaptain:abandonUnsynced: what cannot be brought home of ${config.abandonUnsynced} goes with its VM; when that is done: pulumi config rm ocaptain:abandonUnsynced -s ${stack}`,
    );
  if (plan.github && config.hand === "claude")
    void log.warn(
      "this plan brings your GH_TOKEN to its ships, where agents and what they run can read it (github in its voyage.json)",
    );
  if (plan.orders)
    void log.info(
      "no ocaptain:plan: one ship, on which Claude Code waits for orders (ocaptain answer, or ocaptain shell --write)",
    );

  const credentials = config.hand === "claude" ? claudeCredentials(config.claudeToken, { github: plan.github }) : null;
  const fleet = new Voyage(stack, {
    ...config,
    stack,
    plan,
    keepPlan: () => (runtime.isDryRun() ? Promise.resolve() : plainly(() => keepPlan(stack, plan))),
    ships: shipCount,
    crewDigest: await crewDigest(),
    credentialsDigest: credentials ? credentialsDigest(credentials) : "",
    tailnet: config.mesh === "tailscale" ? await shipTailnet(config) : undefined,
    steps: await captainSteps(config),
  });
  return voyageOutputs(stack, plan, fleet, (record) => {
    if (runtime.isDryRun()) return;
    // `ocaptain sail` ends with the next steps itself.
    const next = !BY_OCAPTAIN && nextStep(record.state, stack, voyageFolder(stack).workspace);
    void log.info(`voyage ${stack} is ${summaryOf(record)}${next ? `\n  next: ${next}` : ""}`);
  });
}

/** The helm's status of the voyage of this stack; null when none is at sea, or the helm does not answer. */
async function statusAtSea(stack: string): Promise<VoyageStatus | null> {
  const voyage = await readVoyageIdentity(stack).catch(() => null);
  if (!voyage || voyage.sunkAt) return null;
  return helmClient()
    .lookAtVoyage(voyage.voyageId)
    .catch(() => null);
}
