import { Config, getStack, runtime } from "@pulumi/pulumi";
import { z } from "zod";
import { checkInput, shown } from "../lib/base/check-input.ts";
import type { PreflightFinding } from "../lib/base/finding.ts";
import { VOYAGE_ID } from "../lib/base/naming.ts";
import { nearest } from "../lib/base/nearest.ts";
import { withHome } from "../lib/base/paths.ts";
import { askForSecret } from "../lib/base/secret-hints.ts";
import { parseAuthor } from "../lib/git/author.ts";
import { BaseName } from "../lib/git/base.ts";
import { NotifySetting } from "../lib/notices/targets.ts";
import { MAX_SHIPS } from "../lib/plan/limits.ts";
import { meantRepo } from "../lib/plan/repo.ts";
import { repoField } from "../lib/plan/schema.ts";
import { HandKind, Mesh, ProviderKind } from "../lib/protocol/choices.ts";
import { claudeCredentials } from "../lib/ship/credentials.ts";
import { ForgeSetting } from "../lib/voyage/forge-setting.ts";
import { clearTexts } from "../lib/voyage/settings-file.ts";

/** One key of the stack's configuration. */
type Setting = {
  /** The parser of the setting's text. */
  schema: z.ZodType;
  /** A value for the command in a hint; without one, that command makes Pulumi ask for the value. */
  example?: string;
  /** Whether the value must be stored as a secret. */
  isSecret?: true;
  /** Whether the value gets into state, so that it must not be a secret. */
  isInState?: true;
  /**
   * Whether providers read the setting by `configure` (dynamic-providers/delegate.ts); it is then no input of a
   * resource.
   */
  isForProviders?: true;
};

/** Parses a number; text that is not a number is quoted in the finding. */
const number = (check: z.ZodNumber) =>
  z
    .string()
    .transform((text, context) => {
      const value = text.trim() === "" ? Number.NaN : Number(text);
      if (Number.isNaN(value)) context.addIssue(`must be a number, and is ${shown(text)}`);
      return value;
    })
    .pipe(check);

/** Parses `true` and `false` alone, because providers compare the same setting as text. */
const flag = z.stringbool({ truthy: ["true"], falsy: ["false"], case: "sensitive" });

/** Parses numbers of ships by comma; a ship's name does, too. */
const shipNumbers = z
  .string()
  .regex(/^\s*(ship-)?\d{1,3}(\s*,\s*(ship-)?\d{1,3})*\s*$/, "must be numbers of ships, by comma, each at most 999")
  .transform((text) => text.split(",").map((each) => Number(each.trim().replace(/^ship-/, ""))));

const text = z.string().optional();

/** Checks an author, whose text stays as it is: the helm's resource gets it by `configure`. */
const author = z.string().superRefine((text, context) => {
  const parsed = parseAuthor(text);
  if ("problem" in parsed) context.addIssue(parsed.problem);
});

/** Checks where a voyage lands; its text stays as it is. */
const forge = z.string().superRefine((text, context) => {
  for (const { message } of ForgeSetting.safeParse(text).error?.issues ?? []) context.addIssue(message);
});

/** Parses the name of a repository; a relative path is taken from the project's folder. */
const repo = repoField.transform((text, context) => {
  const meant = meantRepo(text, process.cwd());
  if ("repo" in meant) return meant.repo;
  context.addIssue(meant.problem);
  return z.NEVER;
});

const voyageId = z.string().regex(VOYAGE_ID, "must be a voyage's id, 6 digits of 0-9 and a-f (ocaptain status names it)");

/**
 * All keys of the stack's configuration (namespace `ocaptain`), in the order in which findings are listed. Pulumi.yaml
 * describes each for people and has the same defaults.
 */
export const SETTINGS = {
  /** The plan's folder, relative to the project's; "" is an empty sail, in which one ship waits for orders. */
  plan: { schema: z.string().transform(withHome).default(""), example: "plans/survey", isForProviders: true },
  repo: { schema: repo.optional(), example: "owner/name" },
  base: { schema: BaseName.optional(), example: "main" },
  /** For `ocaptain land` alone, which reads it from the stack's file: no resource has it. */
  forge: { schema: forge.optional(), example: "gitea=https://git.example.com" },
  author: { schema: author.optional(), example: "'Name <mail@example.com>'", isForProviders: true },
  signOff: { schema: flag.default(false), example: "true", isForProviders: true },
  ships: { schema: number(z.int().min(1).max(MAX_SHIPS)).optional(), example: "3" },
  /** Which numbers no ship of the fleet has, so that a fleet can shrink by any of its ships. */
  withoutShips: { schema: shipNumbers.default([]), example: "0,2" },
  provider: { schema: ProviderKind.default("harbor"), example: "harbor" },
  hand: { schema: HandKind.default("rehearsal"), example: "rehearsal" },
  mesh: { schema: Mesh.default("none"), example: "none" },
  unconfined: { schema: flag.default(false), example: "false", isForProviders: true },
  keepWorkspace: { schema: flag.default(true), example: "true", isForProviders: true },
  abandonUnsynced: { schema: text, isForProviders: true },
  handover: { schema: text, isForProviders: true },
  /**
   * This and `adopt` name the voyage that is meant, so that a setting left in the configuration cannot act on a later
   * voyage.
   */
  beginAnew: { schema: voyageId.optional(), isForProviders: true },
  adopt: { schema: voyageId.optional(), isForProviders: true },
  spritesOrg: { schema: text, isForProviders: true },
  spritesToken: { schema: text, isSecret: true, isForProviders: true },
  claudeToken: { schema: text, isSecret: true, isForProviders: true },
  tailscaleOauthSecret: { schema: text, isSecret: true, isForProviders: true },
  headscaleUrl: { schema: text, isForProviders: true },
  headscaleApiKey: { schema: text, isSecret: true, isForProviders: true },
  captainNode: { schema: z.enum(["own"]).optional(), example: "own", isForProviders: true },
  /**
   * This and `onSink` are shell commands for the captain's machine. They come from here alone, and never from a plan.
   */
  onSail: { schema: z.string().min(1).optional(), isInState: true },
  onSink: { schema: z.string().min(1).optional(), isInState: true },
  /** Where the captain is told what needs a person. The helm gets it as it gets the provider's token. */
  notify: { schema: NotifySetting.default([]), isSecret: true, isForProviders: true },
  budgetUsd: { schema: number(z.number().positive().max(1_000_000)).optional(), example: "50" },
  telemetry: { schema: flag.default(true), example: "false" },
  telemetryContents: { schema: flag.default(false), example: "true" },
  noProgressMinutes: { schema: number(z.number().min(1).max(10_080)).optional(), example: "20" },
  leaseSeconds: { schema: number(z.number().min(4).max(3600)).default(120), example: "120" },
  lingerSeconds: { schema: number(z.number().min(0).max(600)).default(8), example: "8" },
} satisfies Record<string, Setting>;

type Key = keyof typeof SETTINGS;
export type VoyageConfig = { [K in Key]: z.infer<(typeof SETTINGS)[K]["schema"]> };

const KEYS = Object.keys(SETTINGS) as Key[];
const settingOf = (key: Key): Setting => SETTINGS[key];

/**
 * Reads the stack's configuration and collects all that is wrong with it, for preflight to list together with its own
 * findings. `config` is complete only without findings: a setting that is wrong is missing from it.
 */
export function readVoyageConfig(
  config = new Config("ocaptain"),
  stack = getStack(),
): { config: VoyageConfig; findings: PreflightFinding[] } {
  const findings: PreflightFinding[] = [];
  const add = (key: Key, message: string, hint: string) => findings.push({ what: `ocaptain:${key}`, message, hint });
  const read: Record<string, unknown> = {};
  for (const key of KEYS) {
    const { schema, isSecret: mustBeSecret } = settingOf(key);
    const checked = checkInput(schema, config.get(key) || undefined, { quotes: !mustBeSecret });
    if ("data" in checked) read[key] = checked.data;
    // What somebody has marked as a secret is not shown, even where it should not be one.
    else
      for (const { field, message } of checked.problems)
        findings.push({
          what: `ocaptain:${key}${field}`,
          message: isSecret(key) && !mustBeSecret ? message.replace(/, and is .*/s, "") : message,
          hint: setCommand(key, stack),
        });
  }
  findings.push(...unknownSettings(stack));
  for (const key of KEYS)
    if (settingOf(key).isSecret && config.get(key) && !isSecret(key))
      add(key, "is in the stack's file in clear", setCommand(key, stack));
  findings.push(...partlyInClear(stack));
  for (const key of KEYS)
    if (settingOf(key).isInState && config.get(key) && isSecret(key))
      add(
        key,
        "is a secret, and would be in state in clear, and in preview",
        `pulumi config set ocaptain:${key} -s ${stack}  # it asks for the command; let that read what is secret from a file`,
      );
  // An empty sail is a person with Claude Code; a rehearsal would have nothing to do.
  const hasNoPlan = read.plan === "";
  if (hasNoPlan) read.hand = "claude";
  if (read.hand === "claude" && !claudeCredentials(config.get("claudeToken")))
    add(
      "claudeToken",
      `is missing, which ${hasNoPlan ? "a sail without a plan (ocaptain:plan is not set)" : "the hand claude"} needs: a token that claude setup-token has made, or an API key; CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY in the environment do, too`,
      setCommand("claudeToken", stack),
    );
  if (read.provider === "sprites" && read.mesh !== "tailscale" && !process.env.SPRITES_API_URL)
    add("mesh", "is none, and ships at sprites.dev can be reached over a tailnet only", setCommand("mesh", stack, "tailscale"));
  return { config: read as VoyageConfig, findings };
}

/** The command that sets a setting. It never holds a secret's value: shell history and process lists would keep it. */
const setCommand = (key: Key, stack: string, value = settingOf(key).example) =>
  settingOf(key).isSecret
    ? askForSecret(`ocaptain:${key}`, undefined, stack)
    : value === undefined
      ? askFor(`ocaptain:${key}`, stack)
      : `pulumi config set ocaptain:${key} ${value} -s ${stack}`;

/** The command that sets a setting without naming a value, so that Pulumi asks for it. */
const askFor = (setting: string, stack: string) => `pulumi config set ${setting} -s ${stack}  # it asks for the value`;

/**
 * Finds settings that nobody reads, because of a slip in the key or in the namespace before it. Other projects'
 * namespaces are left alone.
 */
function unknownSettings(stack: string): PreflightFinding[] {
  return Object.keys(runtime.allConfig()).flatMap((setting) => {
    const [namespace = "", key = ""] = setting.split(":");
    const isKnown = KEYS.some((known) => known === key);
    const remove = `pulumi config rm ${setting} -s ${stack}`;
    if (namespace !== "ocaptain")
      return nearest(namespace, ["ocaptain"]) && isKnown
        ? [{ what: setting, message: `unknown; did you mean ocaptain:${key}?`, hint: remove }]
        : [];
    if (isKnown) return [];
    const meant = nearest(key, KEYS) as Key | undefined;
    if (!meant) return [{ what: setting, message: "unknown; Pulumi.yaml describes all settings", hint: remove }];
    const set = settingOf(meant).isSecret ? setCommand(meant, stack) : askFor(`ocaptain:${meant}`, stack);
    return [{ what: setting, message: `unknown; did you mean ocaptain:${meant}?`, hint: `${remove} && ${set}` }];
  });
}

/**
 * Finds what was set by `--path` without `--secret`. Pulumi says of such a setting that it is a secret as soon as any
 * part of it is, so the stack's file is looked at, where it is the project's own.
 */
function partlyInClear(stack: string): PreflightFinding[] {
  if (!isSecret("notify")) return [];
  return clearTexts(process.cwd(), stack, "notify")
    .filter((field) => /^\[\d+\]\.(url|secret|body|command|headers)(\.|\[|$)/.test(field))
    .map((field) => ({
      what: `ocaptain:notify${field}`,
      message: "is in the stack's file in clear",
      hint: `pulumi config set --secret --path 'ocaptain:notify${field}' -s ${stack}  # it asks for the value`,
    }));
}

/** Whether a setting is stored as a secret: Pulumi's language host passes the keys of secrets in this variable. */
const isSecret = (key: Key) =>
  (JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]") as string[]).includes(`ocaptain:${key}`);
