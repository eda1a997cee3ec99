import { backOffMs, pause } from "../machine/pause.ts";
import { readToken, type ThisShip } from "../machine/ship.ts";
import { Halt } from "./halt.ts";

/** The helm pings each 10 s; three missed and the connection is taken for dead. */
const QUIET_MS = 35_000;

/**
 * The presence stream (lib/protocol/ship-api.ts): its end tells the helm at once that this supervisor is gone, its `stop` line tells us at once to
 * end. Opened again whenever it breaks: what must not be missed is also said by heartbeats. Returns what closes it.
 */
export function openPresence(ship: ThisShip, onStop: (halt: Halt) => void): () => Promise<void> {
  const closed = new AbortController();
  const stay = async () => {
    for (let attempt = 0; ; attempt++) {
      try {
        await listen(ship, closed.signal, (line) => {
          attempt = 0;
          if (line.type === "stop") onStop(new Halt("stop", line.reason ?? "the helm says stop"));
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

async function listen(
  ship: ThisShip,
  signal: AbortSignal,
  onLine: (line: { type: string; reason?: string }) => void,
): Promise<void> {
  const quiet = new AbortController();
  const watchdog = setTimeout(() => quiet.abort(), QUIET_MS);
  try {
    const response = await fetch(`${ship.config.helmUrl}/v1/ship/presence`, {
      headers: { authorization: `Bearer ${readToken(ship)}` },
      signal: AbortSignal.any([signal, quiet.signal]),
    });
    if (!response.ok || !response.body) return;
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
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
