import type { IncomingMessage, ServerResponse } from "node:http";
import type { z } from "zod";
import { checkInput, formatProblems } from "../../lib/base/check-input.ts";
import { readAtMost } from "../../lib/base/read-at-most.ts";

/** The headers of every reply that a VM's runtime gives, beside those of the reply itself. */
export const runtimeHeaders = { "sprite-version": "v0.0.1-rc48" };

export function reply(
  response: ServerResponse,
  status: number,
  body: string | Buffer = "",
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "text/plain", ...headers });
  response.end(body);
}

export function replyJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  reply(response, status, JSON.stringify(body), { "content-type": "application/json", ...headers });
}

const MAX_JSON_BYTES = 1024 * 1024;

/** The body as a JSON object; undefined when it is none or over 1 MiB. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse((await readAtMost(request, MAX_JSON_BYTES, "the body")).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the body of a call as its schema has it. Answers 400 with what is wrong, and returns undefined, where it does
 * not fit.
 */
export async function readBody<T extends z.ZodType>(
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  schema: T,
  headers: Record<string, string> = {},
): Promise<z.infer<T> | undefined> {
  const checked = checkInput(schema, await readJson(request), { quotes: false });
  if ("data" in checked) return checked.data;
  replyJson(response, 400, { error: `the body does not fit: ${formatProblems(checked.problems)}` }, headers);
  return undefined;
}

/** A part of a path without its percent escapes; undefined when one is broken. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
