import type { ExecCommand } from "../sprites/sessions.ts";

/** Reads what the vendor's clients put into a query, and what sockets say in the same words. */

/** The command of an exec's query; undefined without `cmd`. The query's `path` repeats argv[0] and is not needed. */
export function commandOf(query: URLSearchParams): ExecCommand | undefined {
  const argv = query.getAll("cmd");
  if (argv.length === 0 || argv[0] === "") return undefined;
  const pairs = query.getAll("env").map((pair) => [pair.split("=", 1)[0]!, pair.slice(pair.indexOf("=") + 1)] as const);
  const size = { cols: Number(query.get("cols")) || 80, rows: Number(query.get("rows")) || 24 };
  return {
    argv,
    dir: query.get("dir") ?? undefined,
    env: Object.fromEntries(pairs.filter(([key]) => /^[A-Za-z_]\w*$/.test(key))),
    tty: query.get("tty") === "true" ? size : undefined,
  };
}

const SIGNALS = /^SIG(TERM|KILL|INT|HUP|QUIT|USR1|USR2|STOP|CONT)$/;

/** The signal named `SIGTERM` or `TERM`, in any case; undefined for a name that is no signal. */
export function signalOf(name: unknown): NodeJS.Signals | undefined {
  const full = `SIG${String(name).toUpperCase().replace(/^SIG/, "")}`;
  return SIGNALS.test(full) ? (full as NodeJS.Signals) : undefined;
}

/** Milliseconds of `10s`, `500ms`, `2m`, `1h` or `10` (seconds); undefined for anything else. */
export function durationMs(text: string | null): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text ?? "");
  if (!parts) return undefined;
  return Number(parts[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[(parts[2] ?? "s") as "ms" | "s" | "m" | "h"];
}
