import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { z } from "zod";
import { checkInput } from "../../lib/base/check-input.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { MAX_SHIPS } from "../../lib/plan/limits.ts";
import { meantRepo } from "../../lib/plan/repo.ts";
import { HandKind, ProviderKind } from "../../lib/protocol/choices.ts";
import { settingIn, settingsFile } from "../../lib/voyage/settings-file.ts";
import type { Stack } from "./stack.ts";

/** What `ocaptain sail` takes of a voyage's settings; all others are `pulumi config set`'s. */
export type SettingOptions = {
  ships?: string;
  repo?: string;
  hand?: string;
  provider?: string;
  budget?: string;
  telemetry?: boolean;
};

const number = (check: z.ZodNumber) =>
  z
    .string()
    .regex(/^[\d.]+$/, "must be a number")
    .transform(Number)
    .pipe(check);

/** Each option by its setting: its flag, and what it may be. */
const OPTIONS = {
  ships: ["-n, --ships", number(z.int().min(1).max(MAX_SHIPS)).transform(String)],
  hand: ["--hand", HandKind],
  provider: ["--provider", ProviderKind],
  budgetUsd: ["--budget", number(z.number().positive().max(1_000_000)).transform(String)],
} as const;

/**
 * Works out the settings that the options mean for a project in `folder`. Relative paths are of the working folder.
 * @throws OcaptainError USAGE
 */
export function meantSettings(options: SettingOptions, folder: string): Record<string, string> {
  const typed = { ships: options.ships, hand: options.hand, provider: options.provider, budgetUsd: options.budget };
  const settings: Record<string, string> = options.telemetry === false ? { telemetry: "false" } : {};
  for (const [key, [flag, schema]] of Object.entries(OPTIONS)) {
    const text = typed[key as keyof typeof typed];
    if (text === undefined) continue;
    const checked = checkInput<z.ZodType<string>>(schema, text);
    if ("problems" in checked)
      throw new OcaptainError("USAGE", `${flag} ${text}: ${checked.problems[0]?.message}`, { hint: "ocaptain sail --help" });
    settings[key] = checked.data;
  }
  if (options.repo === undefined) return settings;
  const meant = meantRepo(options.repo, process.cwd());
  if ("problem" in meant)
    throw new OcaptainError("USAGE", `--repo ${options.repo} ${meant.problem}`, { hint: "ocaptain sail --help" });
  return { ...settings, repo: /^\.\.?(\/|$)/.test(meant.repo) ? pathFor(folder, meant.repo) : meant.repo };
}

/** A path of the working folder as it is written for the project in `folder`: relative inside of it, else absolute. */
export function pathFor(folder: string, path: string): string {
  const way = relative(folder, resolve(path));
  return way.startsWith("..") || way === "" ? resolve(path) : `./${way}`;
}

/** The file that has the settings of a stack, and is written to. */
const fileOf = (stack: Stack): string => stack.env.PULUMI_OPTION_CONFIG_FILE ?? settingsFile(stack.folder, stack.name);

/**
 * Refuses settings that name no plan. With them a voyage that was sailed by others, which `pulumi --config-file` has
 * named and nobody has noted, would become an empty sail.
 * @throws OcaptainError NO_PLAN
 */
export function checkPlanIsSet(stack: Stack, command: string): void {
  const file = fileOf(stack);
  if (settingIn(file, "plan")) return;
  throw new OcaptainError(
    "NO_PLAN",
    `no plan is set in ${file}: by these settings ${stack.name} is an empty sail, which has one ship`,
    {
      hint: `PULUMI_OPTION_CONFIG_FILE=settings.yaml ${command}  # for a voyage that was sailed with --config-file`,
    },
  );
}

/**
 * Writes settings that differ from what the stack has. Returns how to take that back.
 */
export async function writeSettings(stack: Stack, settings: Record<string, string>): Promise<() => Promise<void>> {
  const file = fileOf(stack);
  const before = existsSync(file) ? await readFile(file, "utf8") : null;
  const changed = Object.entries(settings).filter(([key, value]) => (settingIn(file, key) ?? "") !== value);
  if (changed.length > 0)
    await stack.pulumi(["config", "set-all", ...changed.flatMap(([key, value]) => ["--plaintext", `ocaptain:${key}=${value}`])]);
  return async () => {
    if (before === null) await rm(file, { force: true });
    else if (changed.length > 0) await writeFile(file, before);
  };
}
