import { onStack } from "./hints.ts";
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

/**
 * Writes an error for a person: its message, the message of its cause unless that is quoted already, and its hint.
 * Nothing in the text steers a terminal, even where it quotes a ship.
 *
 * @param stack  The stack that the error is about, where it is known. The hint's `pulumi` commands then name it.
 */
export function explain(error: unknown, stack?: string): string {
  const said = error instanceof OcaptainError ? error.hint : undefined;
  const hint = said ? `\n  hint: ${stack === undefined ? said : onStack(said, stack)}` : "";
  return plainLines(`${withCause(error)}${hint}`);
}

/** Writes an error's message and that of its cause, unless it is quoted already, without the hint. */
export function withCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && !message.includes(cause.message) ? `${message} (${cause.message})` : message;
}
