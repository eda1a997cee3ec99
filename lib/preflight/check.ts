import { OcaptainError } from "../base/errors.ts";
import type { PreflightFinding } from "../base/finding.ts";
import { onStack } from "../base/hints.ts";

/** A look at one thing, which changes nothing. An error that it throws becomes a finding. */
export type Check = { what: string; look: () => Promise<PreflightFinding[]> };

/** The longest that one check may take. */
const CHECK_MS = 10_000;

/** Runs all checks at once, each bounded, and returns what they find in the order of the checks. */
export async function findAll(checks: readonly Check[], timeoutMs = CHECK_MS): Promise<PreflightFinding[]> {
  return (await Promise.all(checks.map((check) => bounded(check, timeoutMs)))).flat();
}

/**
 * Runs all checks of the voyage of `stack`.
 * @throws OcaptainError PREFLIGHT with every finding, in the order of the checks.
 */
export async function runPreflight(stack: string, checks: readonly Check[], timeoutMs = CHECK_MS): Promise<void> {
  const findings = await findAll(checks, timeoutMs);
  if (findings.length === 0) return;
  const lines = findings.map(
    ({ what, message, hint }) =>
      `  ${what}: ${message.replaceAll("\n", "\n    ")}${hint && `\n    hint: ${onStack(hint, stack)}`}`,
  );
  throw new OcaptainError("PREFLIGHT", `nothing was made or changed, because this cannot sail:\n${lines.join("\n")}`);
}

/** Runs one check; when it takes too long, that is its finding. */
async function bounded({ what, look }: Check, timeoutMs: number): Promise<PreflightFinding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<PreflightFinding[]>((resolve) => {
    timer = setTimeout(
      () => resolve([{ what, message: `no answer in ${timeoutMs / 1000} s`, hint: "pulumi preview  # again" }]),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([look(), late]);
  } catch (error) {
    const hint = error instanceof OcaptainError ? (error.hint ?? "") : "";
    return [{ what, message: error instanceof Error ? error.message : String(error), hint }];
  } finally {
    clearTimeout(timer);
  }
}
