import { OcaptainError } from "../../lib/base/errors.ts";

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Reads a duration as milliseconds: `45s`, `10m`, `2h`, `1d`, or a sum of them (`1h30m`).
 * @throws OcaptainError USAGE
 */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text)
    throw new OcaptainError("USAGE", `"${text}" is not a duration, as 45s, 10m, 2h, 1d and 1h30m are`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]! * 1000, 0);
}

/** The time from `fromIso` to `to` in two units at most, as `48s`, `12m30s`, `3h05m` or `2d04h`; "" for null. */
export function span(fromIso: string | null, to: number): string {
  if (fromIso === null) return "";
  return lasting((to - Date.parse(fromIso)) / 1000);
}

/** A time of so many seconds in two units at most, as {@link span} writes it. */
export function lasting(exact: number): string {
  const seconds = Math.max(0, Math.round(exact));
  const two = (count: number) => String(count).padStart(2, "0");
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor((seconds % 86_400) / 3600))}h`;
}
