import { basename, join, resolve } from "node:path";
import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { withHome } from "../../lib/base/paths.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { meantRepo } from "../../lib/plan/repo.ts";
import type { Io } from "../output/io.ts";
import { checkPlan, type Remark } from "../plan/check.ts";
import { fixPlan } from "../plan/fix.ts";
import { slug } from "../sail/slug.ts";

type Options = { strict?: boolean; fix?: boolean; repo?: string; base?: string };

/** `ocaptain plan check <folder>` finds all that is wrong with a plan. @returns 1 where it cannot sail */
export async function planCheck(word: string, { strict = false, fix = false, ...options }: Options, io: Io): Promise<number> {
  const folder = withHome(word);
  const stack = `voyage-${slug(basename(resolve(folder)))}`;
  const fixed = fix ? await fixPlan(folder) : [];
  const { reading, remarks } = await checkPlan(folder, { stack, repo: meant(options.repo), base: options.base });
  const errors = remarks.filter(({ severity }) => severity === "error").length;
  const warnings = remarks.length - errors;
  const ok = errors === 0 && !(strict && warnings > 0);
  if (io.json) {
    const findings = remarks.map(({ severity, file, line, field, message, hint }) => ({
      severity,
      file,
      line,
      field,
      message,
      hint,
    }));
    io.out(plainJson({ folder: resolve(folder), ok, strict, errors, warnings, findings, ...(fix && { fixed }) }, 2));
    return ok ? 0 : 1;
  }
  for (const { file, field, message } of fixed)
    io.out(`${join(folder, file)}: ${io.style("green", "mended")}: ${field && `${field} `}${message}`);
  if (fix && fixed.length === 0) io.out("nothing to mend");
  for (const remark of remarks) io.out(asLine(folder, remark, io));
  const found = [errors > 0 && counted(errors, "error"), warnings > 0 && counted(warnings, "warning")].filter(Boolean).join(", ");
  const verdict = errors > 0 ? "cannot sail" : ok ? "can sail" : "can sail, but --strict refuses warnings";
  io.out(`${verdict}: ${counted(reading.tasks.length, "task")}, ${found || "nothing is wrong"}`);
  if (ok) io.note(`next: ocaptain plan show ${typedWord(word)}; ocaptain sail ${typedWord(word)}`);
  return ok ? 0 : 1;
}

/** Reads `--repo` as `ocaptain sail` does. @throws OcaptainError USAGE */
function meant(repo: string | undefined): string | undefined {
  if (repo === undefined) return undefined;
  const read = meantRepo(repo, process.cwd());
  if ("repo" in read) return read.repo;
  throw new OcaptainError("USAGE", `--repo ${repo} ${read.problem}`, { hint: "ocaptain plan check --help" });
}

/** A remark as compilers write it, so that editors find the place. */
function asLine(folder: string, { severity, file, line, field, message, hint }: Remark, io: Io): string {
  const place = `${join(folder, file)}${line === null ? "" : `:${line}`}`;
  const kind = severity === "error" ? io.style("red", "error") : io.style("yellow", "warning");
  const text = message.replaceAll("\n", "\n    ");
  return `${place}: ${kind}: ${field && `${field} `}${text}${hint && `\n    hint: ${hint}`}`;
}
