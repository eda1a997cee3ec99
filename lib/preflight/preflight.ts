import { OcaptainError } from "../base/errors.ts";
import type { PreflightFinding } from "../base/finding.ts";
import { voyageFolder } from "../base/paths.ts";
import type { Plan } from "../plan/types.ts";
import type { HandKind, Mesh, ProviderKind } from "../protocol/choices.ts";
import { openSprites } from "../sprites/client.ts";
import type { TailnetConfig } from "../tailnet/control/settings.ts";
import { captainArch } from "../tailnet/node/parts.ts";
import { authorOf } from "../voyage/author.ts";
import { type Check, runPreflight } from "./check.ts";
import { claudeCheck } from "./claude.ts";
import { emptySail } from "./empty-sail.ts";
import { helmPortCheck } from "./helm-port.ts";
import { keptOf, lineageFindings } from "./lineage.ts";
import { socketPathCheck, spaceCheck } from "./machine.ts";
import { planAsks } from "./plan-asks.ts";
import { planToSail } from "./plan-to-sail.ts";
import { lookAtRepository } from "./repository.ts";
import { settingsElsewhere } from "./settings-elsewhere.ts";
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
  /** The branch, tag or commit that a voyage begins from; else the repository's HEAD. */
  base?: string | undefined;
  /** The author of commits, as `Name <mail>`; else the captain, as git knows them. */
  author?: string | undefined;
  /** Whether that author signs each commit off. */
  signOff?: boolean | undefined;
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
  const without: string[] = [];
  const voyage = goesOn(args);
  voyage.catch(() => {}); // the checks that wait for it tell the error
  const old = await voyage.catch(() => null);
  const elsewhere = args.plan === "" && old && settingsElsewhere(old);
  // Nothing else that these settings say is meant.
  if (elsewhere) await runPreflight(args.stack, [{ what: elsewhere.what, look: async () => [elsewhere] }]);
  const look: Looking = {
    voyage,
    warn: (more) => warnings.push(...more),
    without: (what) => without.push(what),
    from: (start) => {
      commit = start;
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
  if (old && without.length > 0)
    warnings.push(
      [`voyage ${old.voyageId} goes on by what ${voyageFolder(args.stack).root} holds, without:`, ...without]
        .join("\n")
        .replaceAll("\n", "\n  "),
    );
  return { ...sailing, warnings, kept: old?.sunkAt ? keptOf(old) : null, commit };
}

/**
 * What checks share. `voyage`: the voyage that goes on, null when one begins. `warn`: takes warnings, which refuse
 * nothing. `without`: takes what the voyage goes on without, which all comes into one warning. `from`: takes the commit
 * from which tasks start.
 */
type Looking = {
  voyage: ReturnType<typeof goesOn>;
  warn: (warnings: string[]) => void;
  without: (what: string) => void;
  from: (commit: string | undefined) => void;
};

/**
 * The checks of the plan and of the repository that it names. `sailing` answers what was read, once the checks have
 * run.
 */
function checkPlan(folder: string, { repo, ships, ...config }: PreflightArgs, look: Looking) {
  const { voyage } = look;
  const loading = voyage.catch(() => null).then((old) => planToSail(folder, repo, old));
  loading.catch(() => {}); // the checks that wait for it tell the error
  let sailing: { plan: Plan; shipCount: number } | undefined;
  const planCheck: Check = {
    what: `plan ${folder}`,
    look: async () => {
      const loaded = await loading;
      if ("findings" in loaded) return loaded.findings;
      if (loaded.gone) look.without(loaded.gone);
      look.warn(loaded.warnings ?? []);
      sailing = { plan: loaded.plan, shipCount: chooseShipCount(ships, loaded.plan.recommendedShips) };
      const old = await voyage.catch(() => null);
      return [
        ...(await signingFindings(config, loaded.plan.repo)),
        ...planAsks(folder, loaded.plan, config),
        ...(old ? lineageFindings(`plan ${folder}`, loaded.plan, old) : []),
      ];
    },
  };
  const repoCheck: Check = {
    what: "repository",
    look: async () => {
      const loaded = await loading.catch(() => null);
      if (!loaded || !("plan" in loaded)) return [];
      return repositoryFindings({ ...config, repo: loaded.plan.repo }, look);
    },
  };
  return { checks: [planCheck, repoCheck], sailing: () => sailing };
}

/** The checks of a sail without a plan: it has one ship, and a repository if one is named. */
function checkEmptySail(args: PreflightArgs, look: Looking) {
  const { stack, repo = "", ships = 1 } = args;
  const shipsCheck: Check = {
    what: "ships",
    look: async () =>
      ships === 1
        ? []
        : [
            {
              what: "ocaptain:ships",
              message: `is ${ships}, but a sail without a plan (ocaptain:plan) has one ship`,
              hint: `pulumi config rm ocaptain:ships -s ${stack}`,
            },
          ],
  };
  const repoCheck: Check = {
    what: "repository",
    look: async () => {
      const old = await look.voyage.catch(() => null);
      return [
        ...(await repositoryFindings({ ...args, repo }, look)),
        ...(await signingFindings(args, repo)),
        ...(old ? lineageFindings("ocaptain:plan", emptySail(stack, repo), old) : []),
      ];
    },
  };
  return { checks: [shipsCheck, repoCheck], sailing: () => ({ plan: emptySail(stack, repo), shipCount: 1 }) };
}

async function repositoryFindings(
  { repo, stack, base }: Pick<PreflightArgs, "stack" | "base"> & { repo: string },
  { voyage, warn, without, from }: Looking,
): Promise<PreflightFinding[]> {
  const { findings, warnings, outOfReach, commit } = await lookAtRepository(repo, stack, await voyage.catch(() => null), base);
  warn(warnings);
  if (outOfReach) without(outOfReach);
  from(commit);
  return findings;
}

/** Nobody can sign off where nobody is known. */
async function signingFindings({ author, signOff, stack }: PreflightArgs, repo: string): Promise<PreflightFinding[]> {
  if (!signOff || (await authorOf(author, repo, voyageFolder(stack).ledger))) return [];
  const message = "is true, and who signs is not known: neither ocaptain:author is set nor git's user.name and user.email";
  return [{ what: "ocaptain:signOff", message, hint: `pulumi config set ocaptain:author 'Name <mail@example.com>' -s ${stack}` }];
}

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
