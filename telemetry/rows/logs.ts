import type { Row } from "../../lib/telemetry/schema.ts";
import { attributes, double, hexId, json, object, plainValue, text } from "../decode/values.ts";
import { type Around, answerOf, rowOf, statusOf, timeOf } from "./row.ts";

/** The least number of each severity in OTLP, the highest first. */
const SEVERITIES: [number, string][] = [
  [21, "FATAL"],
  [17, "ERROR"],
  [13, "WARN"],
  [9, "INFO"],
  [5, "DEBUG"],
  [1, "TRACE"],
];
/** What may be an event's name where it stands in the body, as Claude Code writes it: `claude_code.api_request`. */
const EVENT = /^[A-Za-z][\w-]*(\.[\w-]+)+$/;

/** The row of a log record. */
export function logRow(around: Around, record: unknown): Row {
  const told = object(record);
  const found = attributes(told.attributes);
  const value = plainValue(told.body);
  const body = value === null ? null : typeof value === "string" ? value : json(value);
  const event = text(told.eventName) ?? text(found.get("event.name"));
  const severity = double(told.severityNumber) ?? 0;
  const time = timeOf(around, found, told.timeUnixNano, told.observedTimeUnixNano);
  return rowOf(around, time, found, {
    // The name in the body says whose event it is, where the attribute has only its last part.
    name: body !== null && body.length <= 256 && EVENT.test(body) && (event === null || body.endsWith(event)) ? body : event,
    body,
    severity: text(told.severityText) ?? SEVERITIES.find(([least]) => severity >= least)?.[1] ?? null,
    trace_id: hexId(told.traceId, 16),
    span_id: hexId(told.spanId, 8),
    duration_ms: double(found.get("duration_ms")),
    status: statusOf(found),
    ...answerOf(found),
  });
}
