import { plainLines } from "./text.ts";

/**
 * The one error class of the project.
 *
 * `message` says what failed and on which thing; `hint` is a command or an edit that helps.
 * Codes are stable, upper case, and meant for `--json` and for tests.
 */
export class OcaptainError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "OcaptainError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** Message, hint and (once) the cause's message, as a person reads it: also where it tells what a ship said, nothing in it steers a terminal. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return plainLines(String(error));
  const hint = error instanceof OcaptainError && error.hint ? `\n  hint: ${error.hint}` : "";
  const cause = error.cause instanceof Error && !error.message.includes(error.cause.message) ? ` (${error.cause.message})` : "";
  return plainLines(`${error.message}${cause}${hint}`);
}
