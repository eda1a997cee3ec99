import type { IncomingMessage, ServerResponse } from "node:http";
import type { z } from "zod";
import { checkInput, formatProblems, type InputProblem } from "../../lib/base/check-input.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { readAtMost } from "../../lib/base/read-at-most.ts";
import { HttpError } from "../http-error.ts";
import { Refused } from "../ledger/refused.ts";

/** How long nothing may come of a body, before its caller is taken for lost. */
const QUIET_MS = 30_000;

/**
 * Reads the body of a request and parses it.
 * @throws HttpError 413 past `mostBytes`, 400 for what is no JSON; BadBody for what does not fit the schema
 */
export async function readJson<T extends z.ZodType>(request: IncomingMessage, schema: T, mostBytes: number): Promise<z.infer<T>> {
  request.setTimeout(QUIET_MS, () => request.destroy());
  const body = await readAtMost(request, mostBytes, "the body").catch((error: unknown) => {
    if (!(error instanceof OcaptainError)) throw error;
    throw new HttpError(413, "TOO_BIG", `the body of the call is longer than ${mostBytes} bytes`);
  });
  request.setTimeout(0);
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new HttpError(400, "bad-request", "the body of the call is no JSON");
  }
  const checked = checkInput(schema, value, { quotes: false });
  if ("problems" in checked) throw new BadBody(checked.problems);
  return checked.data;
}

/** The error of a call whose body does not fit its schema. It quotes nothing of the body, which may hold secrets. */
export class BadBody extends HttpError {
  readonly fields: readonly string[];
  constructor(problems: readonly InputProblem[]) {
    super(400, "bad-request", `the body of the call does not fit: ${formatProblems(problems)}`);
    this.fields = [...new Set(problems.map(({ field }) => field || "the body"))];
  }
}

/** Answers with JSON, unless an answer was begun or the caller has left. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/**
 * Answers a call that failed: a refusal with 409, a body that does not fit with 400, an OcaptainError by its code, all
 * else with 500. Returns the status.
 */
export function sendError(response: ServerResponse, error: unknown): number {
  const [status, body] = answerTo(error);
  if (error instanceof HttpError && error.retryAfterSeconds !== undefined && !response.headersSent)
    response.setHeader("retry-after", String(error.retryAfterSeconds));
  sendJson(response, status, body);
  return status;
}

/** The errors of an order that cannot be followed as it is. */
const REFUSALS: ReadonlySet<string> = new Set(["BAD_PLAN", "BAD_TASK", "TASK_STATUS"]);

/** The status and the body of the answer to a call that failed. */
export function answerTo(error: unknown): [number, object] {
  if (error instanceof Refused) return [409, error.refusal];
  if (error instanceof HttpError) return [error.status, { error: error.code, message: error.message }];
  if (error instanceof OcaptainError) {
    const status = error.code.startsWith("NO_") ? 404 : REFUSALS.has(error.code) ? 400 : 500;
    return [status, { error: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) }];
  }
  return [500, { error: "INTERNAL", message: error instanceof Error ? error.message : String(error) }];
}
