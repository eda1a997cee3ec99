import { OcaptainError } from "../../../lib/base/errors.ts";
import { BaseName } from "../../../lib/git/base.ts";
import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import { parseDuration } from "../../output/durations.ts";

/** What can be typed after `ocaptain land`. */
export type LandOptions = {
  unverified?: boolean;
  /** false: `--no-update`. */
  update?: boolean;
  branch?: string;
  base?: string;
  title?: string;
  reviewer?: string[];
  label?: string[];
  ready?: boolean;
  pushOnly?: boolean;
  perTask?: boolean;
  squash?: boolean;
  stack?: boolean;
  merge?: boolean;
  allowSecret?: string[];
  remote?: string;
  timeout?: string;
  dryRun?: boolean;
  /** After the landing: it is the verb's. */
  watch?: boolean;
  yes?: boolean;
};

/** The time for which a run of verify.sh is waited for, unless it is said. */
const USUAL_TIMEOUT = "1h";

/** What was typed, in the form in which the steps of a landing take it. */
export type LandAsk = {
  unverified: boolean;
  update: boolean;
  /** Undefined where none was typed, and then that of the landing before counts. */
  branch: string | undefined;
  base: string | undefined;
  how: LandingFile["how"] | undefined;
  title: string | undefined;
  reviewers: readonly string[];
  labels: readonly string[];
  ready: boolean;
  pushOnly: boolean;
  merge: boolean;
  /** The fingerprints of what is pushed though it looks like a secret, or like what leads nowhere. */
  allowed: readonly string[];
  remote: string | undefined;
  timeoutMs: number;
  dryRun: boolean;
  yes: boolean;
};

/** Reads the options of `ocaptain land`. @throws OcaptainError USAGE */
export function readOptions(options: LandOptions): LandAsk {
  const hows = (["per-task", "squash", "stack"] as const).filter(
    (how) => ({ "per-task": options.perTask, squash: options.squash, stack: options.stack })[how],
  );
  if (hows.length > 1) throw slip(`--${hows.join(" and --")} are ways of landing that exclude each other`);
  if (options.pushOnly)
    for (const [name, isTyped] of Object.entries({
      merge: options.merge,
      ready: options.ready,
      title: options.title !== undefined,
      reviewer: options.reviewer !== undefined,
      label: options.label !== undefined,
    }))
      if (isTyped) throw slip(`--${name} is about a pull request, and with --push-only there is none`);
  for (const [name, value] of Object.entries({ branch: options.branch, base: options.base }))
    if (value !== undefined && (!BaseName.safeParse(value).success || value.startsWith("refs/")))
      throw slip(`--${name} ${value}: must be the name of a branch`);
  if (options.title?.trim() === "") throw slip("--title must not be empty");
  return {
    unverified: options.unverified === true,
    update: options.update !== false,
    branch: options.branch,
    base: options.base,
    how: hows[0],
    title: options.title,
    reviewers: [...new Set(options.reviewer ?? [])],
    labels: [...new Set(options.label ?? [])],
    ready: options.ready === true,
    pushOnly: options.pushOnly === true,
    merge: options.merge === true,
    allowed: options.allowSecret ?? [],
    remote: options.remote,
    timeoutMs: parseDuration(options.timeout ?? USUAL_TIMEOUT),
    dryRun: options.dryRun === true,
    yes: options.yes === true,
  };
}

const slip = (message: string) => new OcaptainError("USAGE", message, { hint: "ocaptain land --help" });
