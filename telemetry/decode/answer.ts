import type { Table } from "../../lib/telemetry/schema.ts";
import { KINDS } from "./read-request.ts";

/** How OTLP calls the field with the number of elements that were not taken. */
const REJECTED: Record<Table, string> = {
  logs: "rejectedLogRecords",
  metrics: "rejectedDataPoints",
  spans: "rejectedSpans",
};

/** The answer to a request that was taken, in the form of the request; it says how many elements were too many. */
export function answerTo(table: Table, contentType: string, tooMany: number): { type: string; bytes: Uint8Array } {
  const errorMessage = `${tooMany} were more than one request may have`;
  const answer = tooMany === 0 ? {} : { partialSuccess: { [REJECTED[table]]: tooMany, errorMessage } };
  if (!contentType.startsWith("application/x-protobuf"))
    return { type: "application/json", bytes: Buffer.from(JSON.stringify(answer)) };
  const { response } = KINDS[table];
  return { type: "application/x-protobuf", bytes: response.encode(response.fromObject(answer)).finish() };
}
