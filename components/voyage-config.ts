import { Config } from "@pulumi/pulumi";
import { z } from "zod";
import { claudeCredentials } from "../lib/claude-credentials.ts";
import { VOYAGE_ID } from "../lib/naming.ts";
import { MAX_SHIPS } from "../lib/plan/limits.ts";
import type { PreflightFinding } from "../lib/preflight/check.ts";

const voyageId = z.string().regex(VOYAGE_ID, "must be a voyage's id, 6 digits of 0-9 and a-f (ocaptain status names it)");

/** The stack's configuration, namespace `ocaptain`: described for people in Pulumi.yaml, checked here. */
const VoyageConfig = z.object({
  /** "" is an empty sail: one ship that waits for orders. */
  plan: z.string().default(""),
  repo: z.string().min(1).optional(),
  ships: z.coerce.number().int().min(1, "must be at least 1").max(MAX_SHIPS, `must be at most ${MAX_SHIPS}`).optional(),
  provider: z.enum(["harbor", "sprites"]).default("harbor"),
  hand: z.enum(["rehearsal", "claude"]).default("rehearsal"),
  mesh: z.enum(["none", "tailscale"]).default("none"),
  unconfined: z.stringbool().default(false),
  keepWorkspace: z.stringbool().default(true),
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
  captainNode: z.enum(["own"], { error: 'is neither "own" nor unset' }).optional(),
  /** Shell commands on the captain's machine; from here only, never from a plan (components/captain-steps.ts). */
  onSail: z.string().min(1).optional(),
  onSink: z.string().min(1).optional(),
  budgetUsd: z.coerce
    .number("must be a number of US dollars")
    .positive("must be more than 0")
    .max(1_000_000, "must be at most 1000000")
    .optional(),
  leaseSeconds: z.coerce.number().min(4).max(3600).default(120),
  lingerSeconds: z.coerce.number().min(0).max(600).default(8),
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
  const read: Record<string, unknown> = {};
  for (const [field, schema] of Object.entries(VoyageConfig.shape)) {
    const parsed = schema.safeParse(config.get(field) || undefined);
    read[field] = parsed.data;
    for (const { message } of parsed.error?.issues ?? []) add(field, message, EXAMPLES[field]);
  }
  const { mesh, provider } = read;
  // An empty sail is a person and Claude Code; there is nothing to rehearse.
  const isEmpty = read.plan === "";
  if (isEmpty) read.hand = "claude";
  for (const field of ["spritesToken", "claudeToken", "tailscaleOauthSecret", "headscaleApiKey"])
    if (config.get(field) && !isSecret(`ocaptain:${field}`)) add(field, "is in clear", "--secret TOKEN");
  for (const field of ["onSail", "onSink"])
    if (config.get(field) && isSecret(`ocaptain:${field}`))
      findings.push({
        what: `ocaptain:${field}`,
        message: "is a secret, and would be in state in clear, and in preview",
        hint: `pulumi config set ocaptain:${field} COMMAND  (let the command read what is secret from a file)`,
      });
  if (read.hand === "claude" && !claudeCredentials(config.get("claudeToken")))
    add(
      "claudeToken",
      `is missing, which ${isEmpty ? "a sail without a plan (ocaptain:plan is not set)" : "the hand claude"} needs: a token that claude setup-token has made, or an API key; CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY in the environment do, too`,
      "--secret TOKEN",
    );
  if (provider === "sprites" && mesh !== "tailscale" && !process.env.SPRITES_API_URL)
    add("mesh", "is none, and ships at sprites.dev can be reached over a tailnet only", "tailscale");
  return { config: read as VoyageConfig, findings };
}

const EXAMPLES: Record<string, string> = { captainNode: "own", plan: "plans/survey", ships: "3", budgetUsd: "50" };

/** The language host passes the keys that are secret in this variable (pulumi's sdk/nodejs/runtime/config.ts). */
const isSecret = (key: string) => (JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]") as string[]).includes(key);
