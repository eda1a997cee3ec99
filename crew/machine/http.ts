import { Agent, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from "node:http";

/**
 * Connections that are kept for the next request, and closed long before the helm would (helm/server/ship-server.ts):
 * a request on one that is just being closed would be lost.
 */
const agent = new Agent({ keepAlive: true, timeout: 10_000 });

/** What is asked by HTTP: `url`, or the path at a unix socket that `to` names. */
export type Ask = {
  method: string;
  url?: string;
  /** Names another end than `url`, such as a unix socket. */
  to?: Pick<RequestOptions, "socketPath" | "path">;
  headers: Record<string, string>;
  body?: string | Uint8Array;
  signal: AbortSignal;
};

/**
 * Asks by HTTP, and resolves when the answer begins. It stands in for `fetch`, whose first call takes Node as long as
 * all else that a supervisor does until its first heartbeat. Redirects are not followed, as the helm sends none.
 * Rejects when there is no answer, and with the signal's reason when that
 * aborts.
 */
export function ask({ method, url, to, headers, body, signal }: Ask): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const options = { method, headers: { ...headers, ...length }, signal, ...(to ?? { agent }) };
    const sent = url === undefined ? request(options, resolve) : request(url, options, resolve);
    // After the answer has begun a failure is told by the answer itself.
    sent.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    sent.end(body);
  });
}

/** What came for an answer, whole. */
export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** Asks by HTTP, and resolves when the answer is there to its end. */
export async function askWhole(what: Ask): Promise<Answer> {
  const response = await ask(what);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch (error) {
    throw what.signal.aborted ? what.signal.reason : error;
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}
