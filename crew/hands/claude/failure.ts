/**
 * Why the API gave Claude Code no answer: `limit`, a usage limit that ends at `resetsAtMs` (ms since the epoch; null
 * when that is not known); `refused`, the credentials are not taken; `api`, anything else that lasts longer than Claude
 * Code itself tries. `message` is Claude Code's own.
 */
export type Failure = { kind: "limit" | "refused" | "api"; message: string; resetsAtMs: number | null };
/**
 * A usage limit as Claude Code tells it, in its stream and in its transcript; `resetsAt` is in seconds since the epoch.
 */
export type RateLimit = { status?: string; resetsAt?: number };

/** Tells the kind of a failure by the name that Claude Code gives it, never by its message, which is for people. */
export function failureOf(message: string, error: string, limit: RateLimit | null): Failure {
  if (limit?.status === "rejected") return { kind: "limit", message, resetsAtMs: limit.resetsAt ? limit.resetsAt * 1000 : null };
  return { kind: error === "authentication_failed" ? "refused" : "api", message, resetsAtMs: null };
}

/** Says to people what is wrong, with Claude Code's own message. */
export const wordsOf = ({ kind, message }: Pick<Failure, "kind" | "message">): string =>
  ({
    limit: message,
    refused: `Claude Code's credentials are refused: ${message}`,
    api: `the model's API does not answer: ${message}`,
  })[kind];
