import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { isCheckout } from "../../lib/base/set-up-command.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import type { VoyageIdentity } from "../../lib/voyage/identity.ts";
import { ownProject, ownProjectFolder } from "./own-project.ts";

/**
 * The folder of the Pulumi project from which a voyage is sailed that has none yet: the nearest one at or above the
 * working folder, else the checkout that this is, else one that `ocaptain` keeps for itself.
 */
export async function projectHere(): Promise<string> {
  const around = projectAround(process.cwd());
  if (around) {
    const isThere = around === PROJECT || existsSync(join(around, "node_modules", "ocaptain"));
    if (isThere || nameOf(around) === "ocaptain") return around;
    throw new OcaptainError("NOT_INSTALLED", `the project in ${around} has no ocaptain among its packages yet`, {
      hint: `npm --prefix ${shellWord(around)} install ${shellWord(PROJECT)}`,
    });
  }
  return isCheckout ? PROJECT : ownProject();
}

/**
 * The folder of the Pulumi project that a voyage was sailed from.
 * @throws OcaptainError PROJECT_GONE
 */
export async function projectOf(voyage: Pick<VoyageIdentity, "stack" | "sailedFrom">): Promise<string> {
  const folder = voyage.sailedFrom?.project;
  // A voyage of an earlier version does not say it.
  if (folder === undefined) return projectHere();
  if (folder === ownProjectFolder()) return ownProject();
  if (existsSync(join(folder, "Pulumi.yaml"))) return folder;
  throw new OcaptainError("PROJECT_GONE", `voyage "${voyage.stack}" was sailed from ${folder}, which is no Pulumi project now`, {
    hint: `put it back; or go on from another project, with the plan named: ocaptain sail PLAN --name ${voyage.stack}`,
  });
}

/** The nearest folder at or above `from` that holds a Pulumi project of ocaptain's, or of a user's with ocaptain. */
export function projectAround(from: string): string | undefined {
  for (let at = resolve(from); ; at = dirname(at)) {
    if (existsSync(join(at, "Pulumi.yaml")) && usesOcaptain(at)) return at;
    if (at === dirname(at)) return undefined;
  }
}

function usesOcaptain(folder: string): boolean {
  const { name, dependencies, devDependencies } = packageOf(folder);
  const asks = { ...dependencies, ...devDependencies }.ocaptain !== undefined;
  return name === "ocaptain" || asks || existsSync(join(folder, "node_modules", "ocaptain"));
}

const nameOf = (folder: string) => packageOf(folder).name;

type Package = { name?: string; dependencies?: Record<string, string>; devDependencies?: Record<string, string> };

function packageOf(folder: string): Package {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) ?? {};
  } catch {
    return {}; // There is none, or one that npm could not read either.
  }
}
