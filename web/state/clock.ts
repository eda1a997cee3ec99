import { signal } from "@preact/signals";

/** The time now, to the second: all ages of the page are drawn by this one tick. */
export const now = signal(Date.now());

export const startClock = (): void => {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    now.value = Date.now();
  });
};

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of time in at most two units: `9s`, `4m 05s`, `2h 07m`, `3d 4h`. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (s < MINUTE) return `${s}s`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)}m ${two(s % MINUTE)}s`;
  if (s < DAY) return `${Math.floor(s / HOUR)}h ${two(Math.floor((s % HOUR) / MINUTE))}m`;
  return `${Math.floor(s / DAY)}d ${Math.floor((s % DAY) / HOUR)}h`;
}

/** How long ago an ISO time is, as {@link span} says it; "" when there is none. */
export const ago = (at: string | null | undefined, from = now.value): string => (at ? span((from - Date.parse(at)) / 1000) : "");

/** A time of day, with its day where that is not today. */
export function clockTime(at: string): string {
  const time = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  const isToday = time.toDateString() === new Date().toDateString();
  return isToday ? hours : `${time.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${hours}`;
}
