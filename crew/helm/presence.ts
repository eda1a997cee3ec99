import { ask } from "../machine/http.ts";
import { backOffMs, pause } from "../machine/pause.ts";
import { readToken, type ThisShip } from "../machine/ship.ts";
import { Halt } from "./halt.ts";

/** The helm sends a line each 10 s; after three that are missing the connection is taken for dead. */
const QUIET_MS = 35_000;

/**
 * Holds a stream open to the helm: its end tells the helm at once that this supervisor is gone, and a `stop` line tells
 * the supervisor at once to end. The stream is opened again whenever it breaks; what must not be missed is said by
 * heartbeats too. Returns the function that closes it.
 */
export function openPresence(ship: ThisShip, onStop: (halt: Halt) => void): () => Promise<void> {
  const closed = new AbortController();
  const stay = async () => {
    for (let attempt = 0; ; attempt++) {
      try {
        await listen(ship, closed.signal, (line) => {
          attempt = 0;
          if (line.type === "stop") onStop(new Halt("stop", line.reason ?? "the helm has told this ship to end"));
        });
      } catch {}
      await pause(backOffMs(attempt), closed.signal);
    }
  };
  const done = stay().catch(() => {});
  return async () => {
    closed.abort();
    await done;
  };
}

type Line = { type: string; reason?: string };

async function listen(ship: ThisShip, signal: AbortSignal, onLine: (line: Line) => void): Promise<void> {
  const quiet = new AbortController();
  const watchdog = setTimeout(() => quiet.abort(), QUIET_MS);
  try {
    const response = await ask({
      method: "GET",
      url: `${ship.config.helmUrl}/v1/ship/presence`,
      headers: { authorization: `Bearer ${readToken(ship)}` },
      signal: AbortSignal.any([signal, quiet.signal]),
    });
    if (response.statusCode !== 200) return;
    let rest = "";
    for await (const chunk of response.setEncoding("utf8")) {
      watchdog.refresh();
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.trim()) onLine(JSON.parse(line));
    }
  } finally {
    clearTimeout(watchdog);
    quiet.abort();
  }
}
