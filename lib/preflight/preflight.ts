import { join } from "node:path";
import { OcaptainError } from "../base/errors.ts";
import type { PreflightFinding } from "../base/finding.ts";
import type { Finding } from "../plan/findings.ts";
import { loadPlan } from "../plan/load.ts";
import type { Plan } from "../plan/types.ts";
import type { HandKind, Mesh, ProviderKind } from "../protocol/choices.ts";
import { openSprites } from "../sprites/client.ts";
import type { TailnetConfig } from "../tailnet/control/settings.ts";
import { captainArch } from "../tailnet/node/parts.ts";
import { type Check, runPreflight } from "./check.ts";
import { claudeCheck } from "./claude.ts";
import { emptySail } from "./empty-sail.ts";
import { helmPortCheck } from "./helm-port.ts";
import { keptOf, lineageFindings } from "./lineage.ts";
import { socketPathCheck, spaceCheck } from "./machine.ts";
import { planAsks } from "./plan-asks.ts";
import { type Looked, lookAtRepository } from "./repository.ts";
import { chooseShipCount } from "./ship-count.ts";
import { captainNodeCheck, harborNetCheck, tailnetCheck, tailnetPortCheck, tailscaleCheck } from "./tailnet.ts";
import { confinementCheck, harborKindCheck, nodeCheck, sshTool, toolCheck, tools } from "./tools.ts";
import { captainCheck, goesOn, organisationCheck, providerCheck, stackNameCheck } from "./voyage.ts";

export type PreflightArgs = {
  stack: string;
  /**
   * The folder of the plan, relative to the project; "" for a sail without a plan. A setting that could not be read is
   * undefined, and what hangs on it is not looked at.
   */
  plan: string | undefined;
  repo?: string | undefined;
  ships?: number | undefined;
  provider: ProviderKind | undefined;
  unconfined: boolean | undefined;
  handover?: string | undefined;
  /** The id of a voyage that has sunk, in whose place another one begins. */
  beginAnew?: string | undefined;
  spritesOrg?: string | undefined;
  /** The token of sprites.dev; else SPRITE_TOKEN. */
  spritesToken?: string | undefined;
  mesh?: Mesh | undefined;
  hand?: HandKind | undefined;
  captainNode?: "own" | undefined;
} & TailnetConfig;

/**
 * Looks at everything that can refuse a voyage, at once, before the first resource is made (docs/design.md#preflight).
 * Changes nothing.
 * @param found  what is already known to be wrong with the configuration; all else that can be looked at still is
 * @returns `warnings`: what is told at every run; `kept`: for a preview, what a voyage that has sunk brings along;
 *   `commit`: the one from which tasks start, where it can be told
 * @throws OcaptainError PREFLIGHT with all findings together
 */
export async function preflight(
  args: PreflightArgs,
  found: readonly PreflightFinding[] = [],
): Promise<{ plan: Plan; shipCount: number; warnings: string[]; kept: string | null; commit: string | undefined }> {
  const warnings: string[] = [];
  let commit: string | undefined;
  const voyage = goesOn(args);
  voyage.catch(() => {}); // the checks that wait for it tell the error
  const look: Looking = {
    voyage,
    note: (looked) => {
      warnings.push(...looked.warnings);
      commit = looked.commit;
    },
  };
  const plan =
    args.plan === undefined ? undefined : args.plan === "" ? checkEmptySail(args, look) : checkPlan(args.plan, args, look);
  await runPreflight(args.stack, [
    { what: "configuration", look: async () => [...found] },
    nodeCheck(),
    stackNameCheck(args.stack),
    captainCheck(args.stack, args.handover),
    { what: "voyage", look: () => voyage.then(() => []) },
    ...(plan?.checks ?? []),
    toolCheck(tools.git),
    toolCheck(tools.mutagen),
    spaceCheck(),
    socketPathCheck(args.provider === "harbor" && args.unconfined === true),
    helmPortCheck({ tailnet: args.mesh === "tailscale" }),
    ...providerChecks(args),
    ...tailnetChecks(args),
  ]);
  const sailing = plan?.sailing();
  if (!sailing) throw new OcaptainError("PREFLIGHT", `plan ${args.plan} was not read`);
  const old = await voyage;
  return { ...sailing, warnings, kept: old?.sunkAt ? keptOf(old) : null, commit };
}

/**
 * What checks share. `voyage`: the voyage that goes on, null when one begins. `note`: takes what the look at the
 * repository found besides findings.
 */
type Looking = { voyage: ReturnType<typeof goesOn>; note: (looked: Looked) => void };

/**
 * The checks of the plan and of the repository that it names. `sailing` answers what was read, once the checks have
 * run.
 */
function checkPlan(folder: string, { repo, ships, ...config }: PreflightArgs, { voyage, note }: Looking) {
  const loading = loadPlan(folder, { repo });
  let sailing: { plan: Plan; shipCount: number } | undefined;
  const planCheck: Check = {
    what: `plan ${folder}`,
    look: async () => {
      const loaded = await loading;
      if ("findings" in loaded) return loaded.findings.map((finding) => planFinding(folder, finding));
      sailing = { plan: loaded.plan, shipCount: chooseShipCount(ships, loaded.plan.recommendedShips) };
      const old = await voyage.catch(() => null);
      return [...planAsks(folder, loaded.plan, config), ...(old ? lineageFindings(`plan ${folder}`, loaded.plan, old) : [])];
    },
  };
  const repoCheck: Check = {
    what: "repository",
    look: async () => {
      const loaded = await loading;
      if (!("plan" in loaded)) return [];
      const looked = await lookAtRepository(loaded.plan.repo, config.stack, await voyage.catch(() => null));
      note(looked);
      return looked.findings;
    },
  };
  return { checks: [planCheck, repoCheck], sailing: () => sailing };
}

/** The checks of a sail without a plan: it has one ship, and a repository if one is named. */
function checkEmptySail({ stack, repo = "", ships = 1 }: PreflightArgs, { voyage, note }: Looking) {
  const shipsCheck: Check = {
    what: "ships",
    look: async () =>
      ships === 1
        ? []
        : [
            {
              what: "ocaptain:ships",
              message: `is ${ships}, but a sail without a plan (ocaptain:plan) has one ship`,
              hint: "pulumi config rm ocaptain:ships",
            },
          ],
  };
  const repoCheck: Check = {
    what: "repository",
    look: async () => {
      const old = await voyage.catch(() => null);
      const looked = await lookAtRepository(repo, stack, old);
      note(looked);
      return [...looked.findings, ...(old ? lineageFindings("ocaptain:plan", emptySail(stack, repo), old) : [])];
    },
  };
  return { checks: [shipsCheck, repoCheck], sailing: () => ({ plan: emptySail(stack, repo), shipCount: 1 }) };
}

const planFinding = (plan: string, { file, field, message }: Finding): PreflightFinding => ({
  what: `${join(plan, file)}${field && ` ${field}`}`,
  message,
  hint: "",
});

/**
 * The checks of the provider. A harbor starts by itself when it is first needed, so only its programs are looked at.
 */
function providerChecks({ provider, stack, unconfined, spritesToken, spritesOrg, mesh, hand }: PreflightArgs): Check[] {
  if (provider === undefined) return [];
  if (provider === "harbor") {
    if (unconfined === undefined) return [toolCheck(tools.tmux)];
    const confined = unconfined ? [] : [toolCheck(tools.bwrap), confinementCheck()];
    const hands = hand === "claude" ? [claudeCheck(unconfined)] : [];
    return [toolCheck(tools.tmux), ...confined, harborKindCheck(unconfined), harborNetCheck(mesh === "tailscale"), ...hands];
  }
  const settings = {
    kind: provider,
    baseUrl: process.env.SPRITES_API_URL || undefined,
    token: spritesToken ?? process.env.SPRITE_TOKEN,
  };
  return [providerCheck(stack, () => openSprites(settings)), organisationCheck(stack, settings.token, spritesOrg)];
}

/**
 * The checks of a voyage with a tailnet. VMs at sprites.dev are linux/amd64; a harbor's ships run on this machine's
 * processor.
 */
function tailnetChecks({ mesh, provider, captainNode, ...config }: PreflightArgs): Check[] {
  if (mesh !== "tailscale") return [];
  const ships = provider === "sprites" ? [tailscaleCheck("amd64")] : [tailscaleCheck(captainArch())];
  const captain = captainNode === "own" ? tailscaleCheck(captainArch()) : captainNodeCheck(config);
  return [tailnetCheck(config), ...ships, captain, tailnetPortCheck(), toolCheck(sshTool)];
}
