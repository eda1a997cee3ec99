import { Config } from "@pulumi/pulumi";
import { z } from "zod";
import { OcaptainError } from "../lib/errors.ts";
import { MAX_SHIPS } from "../lib/plan/limits.ts";

/** The stack's configuration, namespace `ocaptain`: described for people in Pulumi.yaml, checked here, all findings together. */
const VoyageConfig = z.object({
  plan: z.string({ error: "is missing: pulumi config set ocaptain:plan plans/survey" }).min(1),
  repo: z.string().min(1).optional(),
  ships: z.coerce.number().int().min(1, "must be at least 1").max(MAX_SHIPS, `must be at most ${MAX_SHIPS}`).optional(),
  provider: z.enum(["harbor", "sprites"]).default("harbor"),
  hand: z.enum(["rehearsal", "claude"]).default("rehearsal"),
  mesh: z.enum(["none", "tailscale"]).default("none"),
  unconfined: z.stringbool().default(false),
  keepWorkspace: z.stringbool().default(true),
  abandonUnsynced: z.string().optional(),
  handover: z.string().optional(),
  /** Only for preflight's trial; providers get it by configure(). */
  spritesToken: z.string().optional(),
  leaseSeconds: z.coerce.number().min(4).max(3600).default(120),
  lingerSeconds: z.coerce.number().min(0).max(600).default(8),
});
export type VoyageConfig = z.infer<typeof VoyageConfig>;

/** @throws OcaptainError CONFIG naming every field that is wrong, and every choice that this version cannot carry out. */
export function readVoyageConfig(config = new Config("ocaptain")): VoyageConfig {
  const raw = Object.fromEntries(Object.keys(VoyageConfig.shape).map((key) => [key, config.get(key) || undefined]));
  const parsed = VoyageConfig.safeParse(raw);
  const findings = (parsed.error?.issues ?? []).map((issue) => `ocaptain:${issue.path.join(".")}: ${issue.message}`);
  if (config.get("spritesToken") && !isSecret("ocaptain:spritesToken"))
    findings.push("ocaptain:spritesToken: is in clear; set it with: pulumi config set --secret ocaptain:spritesToken");
  if (raw.hand === "claude") findings.push("ocaptain:hand: claude is not there yet; use rehearsal");
  if (raw.mesh === "tailscale") findings.push("ocaptain:mesh: tailscale is not there yet; use none");
  if (raw.provider === "sprites" && raw.mesh !== "tailscale" && !process.env.SPRITES_API_URL)
    findings.push(
      "ocaptain:provider: ships at sprites.dev are reached over a tailnet, which is not there yet (ocaptain:mesh); use harbor",
    );
  if (!parsed.data || findings.length > 0)
    throw new OcaptainError("CONFIG", `the stack's configuration cannot sail:\n  ${findings.join("\n  ")}`, {
      hint: "pulumi config set ocaptain:FIELD VALUE",
    });
  return parsed.data;
}

/** The language host passes the keys that are secret in this variable (pulumi's sdk/nodejs/runtime/config.ts). */
const isSecret = (key: string) => (JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]") as string[]).includes(key);
