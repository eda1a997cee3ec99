import { OcaptainError } from "./errors.ts";
import { keepInside } from "./no-proxy.ts";
import { readAtMost } from "./read-at-most.ts";

/** A reply of any status, for the caller to judge. */
export type HttpReply = {
  /** The call as messages name it: `GET /v1/sprites/a at api.sprites.dev`. */
  call: string;
  status: number;
  headers: Headers;
  body: Buffer;
};

export type HttpRequest = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /**
   * The path below the base URL, with its query. Messages name the path alone, as a query can hold private arguments.
   */
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer | URLSearchParams | undefined;
  /** The body as a value that is sent as JSON, instead of `body`. */
  json?: unknown;
  /** The longest that one attempt may take, in milliseconds. @default the service's */
  timeoutMs?: number | undefined;
  /**
   * How long the body is waited for once the status is known, for a stream that may not end: what came by then is the
   * reply's body. @default as long as the attempt may take
   */
  bodyMs?: number | undefined;
  /** The longest that this call waits in all for a rate limit to pass. @default the service's */
  rateBudgetMs?: number | undefined;
  /** Is told before each wait for a rate limit to pass. */
  onRateLimit?: ((waitMs: number) => void) | undefined;
  /** The most bytes of the reply's body. @default the service's */
  mostBytes?: number | undefined;
};

/** A service and how it is called. */
export type HttpService = {
  /** The URL to which paths are added, without a slash at its end. */
  baseUrl: string;
  /** The headers of every request. */
  headers?: Record<string, string>;
  /** The longest that one attempt may take, in milliseconds. */
  timeoutMs: number;
  /** The most bytes of a reply's body. */
  mostBytes: number;
  /** Whether a redirect is followed, or is an error. */
  redirect: "follow" | "error";
  /** The longest that one call waits in all for a rate limit to pass, in milliseconds. */
  rateBudgetMs: number;
  /** Throws for a reply that no caller of the service can use, such as a refusal of the secret. */
  judge?(reply: HttpReply): void;
  /** Whether a reply of another status than 429 is a rate limit that passes, too. */
  isLimit?(reply: HttpReply): boolean;
  /** Ends calls, and waits for a rate limit to pass, with its reason. */
  signal?: AbortSignal | undefined;
  /** The code and the hint of the error when no whole reply came. */
  unreachable: { code: string; hint?: string };
  /** The code and the hint of the error when a rate limit does not pass in time. */
  rateLimited: { code: string; hint: string };
};

/** The error when no whole reply came in time. Whether the call was carried out is not known. */
export class Unreachable extends OcaptainError {}

/** One call to a service. */
export type Http = (request: HttpRequest) => Promise<HttpReply>;

/**
 * The waits in milliseconds between attempts of a call, and between looks at something that a service does not know
 * yet, or knows still.
 */
export const LOOK_AGAIN_MS = [200, 500, 1000];

/** Waits for a number of milliseconds. */
export const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/**
 * The statuses of trouble at the service that will pass. 501 is not among them, as what is not implemented stays so.
 */
const TRANSIENT = new Set([408, 500, 502, 503, 504]);
/** Tells whether a status says that a service has trouble which will pass. */
export const isTransient = (status: number) => TRANSIENT.has(status);

/**
 * Makes the function that calls a service. It does not repeat a call that fails, which {@link steady} does. Only a rate
 * limit is waited out, as `Retry-After` asks, and the call is made again.
 *
 * The function that is returned throws:
 * - Unreachable with the service's code when no whole reply came in time;
 * - OcaptainError with the service's code when a rate limit does not pass in time, and TOO_LONG for a body over the
 *   bound;
 * - what `judge` throws.
 */
export function openHttp(service: HttpService): Http {
  keepInside(service.baseUrl);
  return async (request) => {
    const giveUpAt = Date.now() + (request.rateBudgetMs ?? service.rateBudgetMs);
    for (;;) {
      const reply = await attempt(service, request);
      service.judge?.(reply);
      if (reply.status !== 429 && !service.isLimit?.(reply)) return reply;
      const waitMs = retryAfterMs(reply.headers.get("retry-after"));
      if (Date.now() + waitMs > giveUpAt) {
        const { code, hint } = service.rateLimited;
        throw new OcaptainError(code, `${reply.call}: too many calls (${reply.status}): ${errorText(reply)}`, { hint });
      }
      request.onRateLimit?.(waitMs);
      await sleep(waitMs);
      service.signal?.throwIfAborted();
    }
  };
}

/**
 * Makes a call, and repeats it while the service is unreachable or answers with a transient status: 4 attempts, with
 * waits of 2 s in all between them. The call must be one that may be made twice. Returns the last reply, of whatever
 * status, or throws the last error.
 *
 * @param transient  Returns false for a reply that has a transient status and is an answer all the same.
 */
export async function steady(
  http: Http,
  request: HttpRequest,
  transient: (reply: HttpReply) => boolean = () => true,
): Promise<HttpReply> {
  for (let attempt = 0; ; attempt++) {
    const wait = LOOK_AGAIN_MS[attempt];
    const reply = await http(request).catch((error: unknown) => {
      if (wait !== undefined && error instanceof Unreachable) return null;
      throw error;
    });
    if (reply && (wait === undefined || !isTransient(reply.status) || !transient(reply))) return reply;
    await sleep(wait ?? 0);
  }
}

async function attempt(service: HttpService, request: HttpRequest): Promise<HttpReply> {
  const { method, path, json, body, timeoutMs = service.timeoutMs, mostBytes = service.mostBytes, bodyMs } = request;
  const call = `${method} ${path.split("?")[0]} at ${new URL(service.baseUrl).host}`;
  try {
    const response = await fetch(service.baseUrl + path, {
      method,
      headers: { ...(json !== undefined && { "content-type": "application/json" }), ...service.headers, ...request.headers },
      body: json === undefined ? (body ?? null) : JSON.stringify(json),
      redirect: service.redirect,
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(service.signal ? [service.signal] : [])]),
    });
    const chunks = bodyMs && response.body ? within(response.body, bodyMs) : response.body;
    return { call, status: response.status, headers: response.headers, body: await readAtMost(chunks, mostBytes, call) };
  } catch (error) {
    if (error instanceof OcaptainError) throw error;
    service.signal?.throwIfAborted();
    const { code, hint } = service.unreachable;
    // The error is not handed on as the cause, since the HTTP client's text can hold headers, and so a secret.
    throw new Unreachable(code, `${call}: ${networkReason(error, timeoutMs)}`, hint === undefined ? {} : { hint });
  }
}

/** The chunks of a body that come in this time. Then the connection is closed. */
async function* within(body: ReadableStream<Uint8Array>, ms: number): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const hangUp = () => reader.cancel().catch(() => {});
  const late = setTimeout(hangUp, ms);
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    clearTimeout(late);
    await hangUp();
  }
}

/**
 * Reads a `Retry-After`, which is in seconds or a date, as milliseconds: one second when it is missing or unreadable.
 */
export function retryAfterMs(value: string | null): number {
  if (!value) return 1000;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(50, ms) : 1000;
}

function networkReason(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === "TimeoutError") return `no answer in ${timeoutMs / 1000} s`;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? ("code" in inner ? String(inner.code) : inner.message) : String(inner);
}

/**
 * Reads from a reply what is wrong, in at most 300 characters: the words of `{error}`, `{message}`, `{errors: [...]}`
 * (texts, or objects with a `message`, or with a `field` and a `code`) and OAuth's `{error_description}`, or else its
 * text.
 */
export function errorText({ body, status }: HttpReply): string {
  const text = body.toString("utf8").trim();
  try {
    const said = JSON.parse(text) as { error?: unknown; message?: unknown; error_description?: unknown; errors?: unknown };
    const each = Array.isArray(said.errors) ? said.errors.map(wordsOf) : [];
    const words = [said.error, said.message, said.error_description, ...each];
    const whole = words.filter((word) => typeof word === "string" && word !== "").join(": ");
    if (whole) return whole.slice(0, 300);
  } catch {
    // The reply is not JSON, so its text is taken.
  }
  return (text.startsWith("<") ? "an HTML page" : text || `status ${status}`).slice(0, 300);
}

/** What one of several errors says: GitHub's are objects. */
function wordsOf(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return error;
  const { message, field, code } = error as { message?: unknown; field?: unknown; code?: unknown };
  return message ?? [field, code].filter((word) => typeof word === "string").join(" ");
}
