import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import protobuf from "protobufjs/light.js";
import type { Table } from "../../lib/telemetry/schema.ts";

/**
 * OTLP's messages, from opentelemetry-proto 1.45.2 (Apache-2.0, otlp.LICENSE). They are a descriptor of protobufjs,
 * with the names of fields as OTLP's JSON has them: so a request has one shape, whichever way it came.
 */
const MESSAGES = protobuf.Root.fromJSON(JSON.parse(readFileSync(join(import.meta.dirname, "otlp.json"), "utf8")));
const named = (name: string) => MESSAGES.lookupType(`opentelemetry.proto.collector.${name}`);

/** The messages of each table in OTLP, and the list with which a request begins. */
export const KINDS: Record<Table, { request: protobuf.Type; response: protobuf.Type; list: string }> = {
  logs: kind("logs.v1.ExportLogs", "resourceLogs"),
  metrics: kind("metrics.v1.ExportMetrics", "resourceMetrics"),
  spans: kind("trace.v1.ExportTrace", "resourceSpans"),
};

function kind(name: string, list: string) {
  return { request: named(`${name}ServiceRequest`), response: named(`${name}ServiceResponse`), list };
}

const inflated = promisify(gunzip);

/** Why a request is not taken; it is the sender's to mend, and sending it again does not help. */
export class BadRequest extends Error {
  readonly reason: "malformed" | "too-big" | "unknown-type";
  constructor(reason: BadRequest["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Reads the body of a request and returns its list of resources, of the shape that OTLP has in JSON; the elements are
 * not looked at yet.
 *
 * @param of.mostBytes the most that the body may have once it is no longer compressed
 * @throws BadRequest
 */
export async function readRequest(
  body: Buffer,
  of: { table: Table; contentType: string; contentEncoding: string; mostBytes: number },
): Promise<unknown[]> {
  const plain = await uncompressed(body, of);
  const { request: message, list } = KINDS[of.table];
  const type = of.contentType.split(";")[0]!.trim().toLowerCase();
  let request: Record<string, unknown>;
  try {
    if (type === "application/x-protobuf") request = message.decode(plain) as unknown as Record<string, unknown>;
    else if (type === "application/json") request = plain.length === 0 ? {} : JSON.parse(plain.toString("utf8"));
    else throw new BadRequest("unknown-type", `the content type is "${type.slice(0, 100)}", and not JSON or protobuf`);
  } catch (error) {
    if (error instanceof BadRequest) throw error;
    throw new BadRequest("malformed", `the body is no ${type} of OTLP`);
  }
  const resources = request !== null && typeof request === "object" ? (request[list] ?? []) : undefined;
  if (!Array.isArray(resources)) throw new BadRequest("malformed", `the body has no list ${list}`);
  return resources;
}

async function uncompressed(body: Buffer, of: { contentEncoding: string; mostBytes: number }): Promise<Buffer> {
  const encoding = of.contentEncoding.trim().toLowerCase();
  if (encoding !== "" && encoding !== "identity" && encoding !== "gzip")
    throw new BadRequest("unknown-type", "the body is compressed by something other than gzip");
  if (encoding !== "gzip" && body.length > of.mostBytes) throw tooBig(of.mostBytes);
  if (encoding !== "gzip") return body;
  return inflated(body, { maxOutputLength: of.mostBytes }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ERR_BUFFER_TOO_LARGE" ? tooBig(of.mostBytes) : new BadRequest("malformed", "the body is no gzip");
  });
}

const tooBig = (most: number) => new BadRequest("too-big", `the body has more than ${most} bytes when it is not compressed`);
