import { createHash } from "node:crypto";
import type { Row } from "../../lib/telemetry/schema.ts";

/** The most series of metrics that one folder may have on one day. */
const MOST_SERIES = 10_000;

type Day = { day: bigint; series: Set<string> };
const DAY_MICROSECONDS = 24n * 60n * 60n * 1_000_000n;

/**
 * Bounds how many series of metrics a folder gets: a metric with an id among its attributes makes one for each point,
 * which says nothing and fills the disk. Points of series that are known on this day are always taken.
 */
export class Series {
  readonly #days = new Map<string, Day>();

  /** Returns the rows that are of series which may be. @param now in milliseconds since 1970 */
  admit(folder: string, rows: Row[], now: number): Row[] {
    const day = (BigInt(now) * 1000n) / DAY_MICROSECONDS;
    let known = this.#days.get(folder);
    if (known?.day !== day) {
      known = { day, series: new Set() };
      this.#days.set(folder, known);
    }
    const { series } = known;
    return rows.filter(({ ship, service, name, attributes }) => {
      const key = createHash("sha1")
        .update(JSON.stringify([ship, service, name, attributes]))
        .digest("base64");
      if (series.has(key)) return true;
      if (series.size >= MOST_SERIES) return false;
      series.add(key);
      return true;
    });
  }
}
