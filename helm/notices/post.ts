import { keepInside } from "../../lib/base/no-proxy.ts";
import type { Notice } from "../../lib/notices/events.ts";
import type { NoticeTarget } from "../../lib/notices/targets.ts";
import { fill } from "../../lib/notices/template.ts";
import { signatureOf } from "./signature.ts";

/** What came of one try. `error` names neither the address nor anything that was sent. */
export type Outcome = { status?: number; error?: string; retryAfterMs?: number };

const MEANINGS: Record<string, string> = {
  ECONNREFUSED: "nothing listens there (ECONNREFUSED)",
  ENOTFOUND: "its name is not known (ENOTFOUND)",
  EAI_AGAIN: "names cannot be looked up now (EAI_AGAIN)",
  ECONNRESET: "the connection was cut (ECONNRESET)",
  UND_ERR_SOCKET: "the connection was cut",
};

/**
 * Posts a notice once. A redirect is not followed, as what is secret would go along; of the answer only the status
 * counts.
 */
export async function post(
  target: NoticeTarget & { url: string },
  notice: Notice,
  { wallMs, signal }: { wallMs: number; signal: AbortSignal },
): Promise<Outcome> {
  const { body, isJson } = fill(target.body, notice);
  const headers = new Headers({
    "content-type": isJson ? "application/json" : "text/plain; charset=utf-8",
    "user-agent": "ocaptain",
    ...target.headers,
    "ocaptain-notice": notice.id,
    ...(target.secret !== undefined && { "ocaptain-signature": signatureOf(body, target.secret, wallMs) }),
  });
  keepInside(target.url);
  try {
    const response = await fetch(target.url, { method: "POST", headers, body, redirect: "manual", signal });
    // What is left of the answer is not read, however much that is.
    await response.body?.cancel().catch(() => {});
    const { status, ok } = response;
    if (ok) return { status };
    const retryAfter = Number(response.headers.get("retry-after"));
    return {
      status,
      error:
        status >= 300 && status < 400 ? `it answers with a redirect (${status}), which is not followed` : `it answers ${status}`,
      ...(retryAfter > 0 && { retryAfterMs: retryAfter * 1000 }),
    };
  } catch (error) {
    return { error: whyNot(error) };
  }
}

/** The reason by its code alone: the text of a client's error can hold the address, or a header. */
function whyNot(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "no answer in time";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code ?? "");
  return (
    MEANINGS[code] ?? (/^[A-Z][A-Z0-9_]{2,40}$/.test(code) ? `it could not be reached (${code})` : "it could not be reached")
  );
}
