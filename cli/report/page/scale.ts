import { lasting } from "../../output/durations.ts";

/** The steps between the marks of a time axis, in seconds. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
/** A narrow page has room for so many marks. */
const MOST_MARKS = 6;

/** The time that a chart shows, and where in its width a moment is, in percent. */
export type Scale = {
  from: number;
  to: number;
  at(iso: string): number;
  /** The marks of its axis: where, and how long that is after the beginning. */
  marks: { at: number; text: string }[];
};

/** Makes the scale of a time, which is taken to last a second at least. */
export function scaleOf(fromIso: string, toIso: string): Scale {
  const from = Date.parse(fromIso);
  const to = Math.max(Date.parse(toIso), from + 1_000);
  const at = (ms: number) => Math.min(100, Math.max(0, ((ms - from) / (to - from)) * 100));
  const seconds = (to - from) / 1000;
  const step = STEPS.find((each) => seconds / each <= MOST_MARKS) ?? Math.ceil(seconds / MOST_MARKS / 604_800) * 604_800;
  const count = Math.floor(seconds / step);
  return {
    from,
    to,
    at: (iso) => at(Date.parse(iso)),
    marks: Array.from({ length: count + 1 }, (_, index) => ({
      at: at(from + index * step * 1000),
      text: index === 0 ? "0" : `+${lasting(index * step).replace(/(?<=\d[mhd])0+[smh]$/, "")}`,
    })),
  };
}
