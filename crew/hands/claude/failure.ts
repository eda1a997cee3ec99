/**
 * Why the API gave Claude Code no answer. `limit`: a usage limit, over at `resetsAtMs` when that is known. `refused`: the credentials. `api`: anything
 * else, for longer than Claude Code itself tries. `message`: its own words.
 */
export type Failure = { kind: "limit" | "refused" | "api"; message: string; resetsAtMs: number | null };
/** As Claude Code tells it, in its stream as in its transcript; `resetsAt` in seconds. */
export type RateLimit = { status?: string; resetsAt?: number };

/** By what Claude Code names it, never by its words: those are for people. */
export function failureOf(message: string, error: string, limit: RateLimit | null): Failure {
  if (limit?.status === "rejected") return { kind: "limit", message, resetsAtMs: limit.resetsAt ? limit.resetsAt * 1000 : null };
  return { kind: error === "authentication_failed" ? "refused" : "api", message, resetsAtMs: null };
}

/** For people: what is wrong, and Claude Code's words. */
export const wordsOf = ({ kind, message }: Pick<Failure, "kind" | "message">): string =>
  ({
    limit: message,
    refused: `Claude Code's credentials are refused: ${message}`,
    api: `the model's API does not answer: ${message}`,
  })[kind];
