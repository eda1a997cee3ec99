import type { Row } from "../../lib/telemetry/schema.ts";
import { attributes, double, integer, json, list, object, text } from "../decode/values.ts";
import { type Around, rowOf, timeOf } from "./row.ts";

const KINDS = ["sum", "gauge", "histogram", "exponentialHistogram", "summary"] as const;
const TEMPORALITY: Record<string, string> = { 1: "delta", 2: "cumulative" };

/** The rows of a metric: one for each of its points. */
export function* metricRows(around: Around, metric: unknown): Generator<Row> {
  const told = object(metric);
  const kind = KINDS.find((name) => Object.hasOwn(told, name) && told[name] !== null);
  if (!kind) return;
  const of = object(told[kind]);
  const about = {
    kind,
    temporality: TEMPORALITY[String(of.aggregationTemporality)],
    monotonic: kind === "sum" ? of.isMonotonic === true : undefined,
    description: text(told.description) ?? undefined,
  };
  for (const element of list(of.dataPoints)) {
    const point = object(element);
    const found = attributes(point.attributes);
    const time = timeOf(around, found, point.timeUnixNano);
    yield rowOf(around, time, found, {
      name: text(told.name),
      body: json({ ...about, start_ns: integer(point.startTimeUnixNano) || undefined, ...distributionOf(kind, point) }),
      value: numberOf(point),
      unit: text(told.unit),
    });
  }
}

/** The number of a point: only what was sent counts, since a protobuf message has a default for what was not. */
function numberOf(point: Record<string, unknown>): number | null {
  if (Object.hasOwn(point, "asDouble")) return double(point.asDouble);
  if (Object.hasOwn(point, "asInt")) return double(integer(point.asInt)?.toString());
  return Object.hasOwn(point, "sum") ? double(point.sum) : null;
}

/** What a point of a distribution has beside its sum. */
function distributionOf(kind: (typeof KINDS)[number], point: Record<string, unknown>): object {
  if (kind === "sum" || kind === "gauge") return {};
  const own = (name: string) => (Object.hasOwn(point, name) ? (double(point[name]) ?? undefined) : undefined);
  const buckets = (from: unknown) => {
    const { offset, bucketCounts } = object(from);
    return { offset: double(offset) ?? 0, counts: list(bucketCounts).map(integer) };
  };
  const shared = { count: integer(point.count), min: own("min"), max: own("max") };
  if (kind === "histogram")
    return { ...shared, bounds: list(point.explicitBounds).map(double), counts: list(point.bucketCounts).map(integer) };
  if (kind === "exponentialHistogram")
    return {
      ...shared,
      scale: own("scale"),
      zero_count: integer(point.zeroCount),
      positive: buckets(point.positive),
      negative: buckets(point.negative),
    };
  const quantiles = list(point.quantileValues).map((each) => [double(object(each).quantile), double(object(each).value)]);
  return { count: integer(point.count), quantiles };
}
