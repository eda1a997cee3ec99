import type { Row } from "../../lib/telemetry/schema.ts";
import { attributes, hexId, integer, json, list, object, text } from "../decode/values.ts";
import { type Around, answerOf, rowOf, statusOf, timeOf } from "./row.ts";

/** The most events, and links, that one span keeps. */
const MOST_EVENTS = 128;
const STATUS: Record<string, string> = { 1: "ok", 2: "error", STATUS_CODE_OK: "ok", STATUS_CODE_ERROR: "error" };

/** The row of a span. */
export function spanRow(around: Around, span: unknown): Row {
  const told = object(span);
  const found = attributes(told.attributes);
  const [start, end] = [integer(told.startTimeUnixNano), integer(told.endTimeUnixNano)];
  const message = text(object(told.status).message);
  if (message !== null) found.set("otel.status_description", message);
  const events = list(told.events).slice(0, MOST_EVENTS).map(eventOf);
  const links = list(told.links).slice(0, MOST_EVENTS).map(linkOf);
  const time = timeOf(around, found, told.startTimeUnixNano);
  return rowOf(around, time, found, {
    name: text(told.name),
    body: events.length + links.length === 0 ? null : json({ events, links }),
    trace_id: hexId(told.traceId, 16),
    span_id: hexId(told.spanId, 8),
    parent_span_id: hexId(told.parentSpanId, 8),
    duration_ms: start === null || end === null || end < start ? null : Number(end - start) / 1e6,
    status: STATUS[String(object(told.status).code)] ?? statusOf(found),
    ...answerOf(found),
  });
}

function eventOf(event: unknown): object {
  const { name, timeUnixNano, attributes: own } = object(event);
  return { name: text(name), time_ns: integer(timeUnixNano), attributes: attributes(own) };
}

function linkOf(link: unknown): object {
  const { traceId, spanId, attributes: own } = object(link);
  return { trace_id: hexId(traceId, 16), span_id: hexId(spanId, 8), attributes: attributes(own) };
}
