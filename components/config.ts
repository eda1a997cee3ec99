import { Config, runtime } from "@pulumi/pulumi";
import { z } from "zod";
import { checkInput, shown } from "../lib/base/check-input.ts";
import { VOYAGE_ID } from "../lib/base/naming.ts";
import { nearest } from "../lib/base/nearest.ts";
import { withHome } from "../lib/base/paths.ts";
import { askForSecret } from "../lib/base/secret-hints.ts";
import { MAX_SHIPS } from "../lib/plan/limits.ts";
import { meantRepo } from "../lib/plan/repo.ts";
import { repoField } from "../lib/plan/schema.ts";
import type { PreflightFinding } from "../lib/preflight/check.ts";
import { HandKind, Mesh, ProviderKind } from "../lib/protocol/choices.ts";
import { claudeCredentials } from "../lib/ship/credentials.ts";

/** A setting is text. What is not a number in it is told as it was written. */
const number = (check: z.ZodNumber) =>
  z
    .string()
    .transform((text, context) => {
      const value = text.trim() === "" ? Number.NaN : Number(text);
      if (Number.isNaN(value)) context.addIssue(`must be a number, and is ${shown(text)}`);
      return value;
    })
    .pipe(check);

/** Only these words: providers read the same settings as text. */
const flag = z.stringbool({ truthy: ["true"], falsy: ["false"], case: "sensitive" });

/** A repository, where a relative path counts from the project's folder. */
const repo = repoField.transform((text, context) => {
  const meant = meantRepo(text, process.cwd());
  if ("repo" in meant) return meant.repo;
  context.addIssue(meant.problem);
  return z.NEVER;
});

const voyageId = z.string().regex(VOYAGE_ID, "must be a voyage's id, 6 digits of 0-9 and a-f (ocaptain status names it)");

/** The stack's configuration, namespace `ocaptain`: described for people in Pulumi.yaml, checked here. */
const VoyageConfig = z.object({
  /** Counts from the project's folder. "" is an empty sail: one ship that waits for orders. */
  plan: z.string().transform(withHome).default(""),
  repo: repo.optional(),
  ships: number(z.int().min(1).max(MAX_SHIPS)).optional(),
  provider: ProviderKind.default("harbor"),
  hand: HandKind.default("rehearsal"),
  mesh: Mesh.default("none"),
  unconfined: flag.default(false),
  keepWorkspace: flag.default(true),
  abandonUnsynced: z.string().optional(),
  handover: z.string().optional(),
  /** Ids of the voyage that is meant: what is forgotten here cannot act on a later one. */
  beginAnew: voyageId.optional(),
  adopt: voyageId.optional(),
  spritesOrg: z.string().optional(),
  /** Only for preflight's trial; providers get it by configure(). */
  spritesToken: z.string().optional(),
  /** Only to see that there is one, and whether it is another; providers get it by configure(). */
  claudeToken: z.string().optional(),
  /** The tailnet: only for preflight's trial; providers get these by configure(). */
  tailscaleOauthSecret: z.string().optional(),
  headscaleUrl: z.string().optional(),
  headscaleApiKey: z.string().optional(),
  captainNode: z.enum(["own"]).optional(),
  /** Shell commands on the captain's machine; from here only, never from a plan (components/captain-steps.ts). */
  onSail: z.string().min(1).optional(),
  onSink: z.string().min(1).optional(),
  budgetUsd: number(z.number().positive().max(1_000_000)).optional(),
  leaseSeconds: number(z.number().min(4).max(3600)).default(120),
  lingerSeconds: number(z.number().min(0).max(600)).default(8),
});
export type VoyageConfig = z.infer<typeof VoyageConfig>;

/**
 * What the configuration says, and all that is wrong with it, for preflight to tell with what else is wrong. `config` is whole only without
 * findings: a field that is wrong is not in it.
 */
export function readVoyageConfig(config = new Config("ocaptain")): { config: VoyageConfig; findings: PreflightFinding[] } {
  const findings: PreflightFinding[] = [];
  const add = (field: string, message: string, value = "VALUE") =>
    findings.push({ what: `ocaptain:${field}`, message, hint: `pulumi config set ocaptain:${field} ${value}` });
  /** Without the value: a token does not belong on a command line, where history and process lists keep it. */
  const addSecret = (field: string, message: string) =>
    findings.push({ what: `ocaptain:${field}`, message, hint: askForSecret(`ocaptain:${field}`) });
  const read: Record<string, unknown> = {};
  for (const [field, schema] of Object.entries(VoyageConfig.shape)) {
    const checked = checkInput(schema, config.get(field) || undefined);
    if ("data" in checked) read[field] = checked.data;
    // What somebody has marked as a secret is not shown, also where it is none.
    else
      for (const { message } of checked.problems)
        add(field, isSecret(`ocaptain:${field}`) ? message.replace(/, and is .*/s, "") : message, EXAMPLES[field]);
  }
  findings.push(...unknownSettings());
  const { mesh, provider } = read;
  // An empty sail is a person and Claude Code; there is nothing to rehearse.
  const isEmpty = read.plan === "";
  if (isEmpty) read.hand = "claude";
  for (const field of SECRETS)
    if (config.get(field) && !isSecret(`ocaptain:${field}`)) addSecret(field, "is in the stack's file in clear");
  for (const field of ["onSail", "onSink"])
    if (config.get(field) && isSecret(`ocaptain:${field}`))
      findings.push({
        what: `ocaptain:${field}`,
        message: "is a secret, and would be in state in clear, and in preview",
        hint: `pulumi config set ocaptain:${field} COMMAND  # let the command read what is secret from a file`,
      });
  if (read.hand === "claude" && !claudeCredentials(config.get("claudeToken")))
    addSecret(
      "claudeToken",
      `is missing, which ${isEmpty ? "a sail without a plan (ocaptain:plan is not set)" : "the hand claude"} needs: a token that claude setup-token has made, or an API key; CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY in the environment do, too`,
    );
  if (provider === "sprites" && mesh !== "tailscale" && !process.env.SPRITES_API_URL)
    add("mesh", "is none, and ships at sprites.dev can be reached over a tailnet only", "tailscale");
  return { config: read as VoyageConfig, findings };
}

const SECRETS: readonly string[] = ["spritesToken", "claudeToken", "tailscaleOauthSecret", "headscaleApiKey"];

const EXAMPLES: Record<string, string> = {
  ...{
    plan: "plans/survey",
    repo: "owner/name",
    ships: "3",
    provider: "harbor",
    hand: "rehearsal",
    mesh: "none",
    captainNode: "own",
  },
  ...{ unconfined: "false", keepWorkspace: "true", budgetUsd: "50", leaseSeconds: "120", lingerSeconds: "8" },
};

/** Settings that nobody reads: a slip in a key, or in the namespace before it. Other projects' namespaces are theirs. */
function unknownSettings(): PreflightFinding[] {
  const known = Object.keys(VoyageConfig.shape);
  return Object.keys(runtime.allConfig()).flatMap((setting) => {
    const [namespace = "", key = ""] = setting.split(":");
    const remove = `pulumi config rm ${setting}`;
    if (namespace !== "ocaptain")
      return nearest(namespace, ["ocaptain"]) && known.includes(key)
        ? [{ what: setting, message: `unknown; did you mean ocaptain:${key}?`, hint: remove }]
        : [];
    if (known.includes(key)) return [];
    const meant = nearest(key, known);
    const message = meant ? `unknown; did you mean ocaptain:${meant}?` : "unknown; Pulumi.yaml describes all settings";
    const set = SECRETS.includes(meant ?? "") ? askForSecret(`ocaptain:${meant}`) : `pulumi config set ocaptain:${meant} VALUE`;
    return [{ what: setting, message, hint: meant ? `${remove} && ${set}` : remove }];
  });
}

/** The language host passes the keys that are secret in this variable (pulumi's sdk/nodejs/runtime/config.ts). */
const isSecret = (key: string) => (JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]") as string[]).includes(key);
