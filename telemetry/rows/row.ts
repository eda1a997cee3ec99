import { COLUMNS, type Row } from "../../lib/telemetry/schema.ts";
import type { Sender } from "../../lib/telemetry/wire.ts";
import { attributes, double, integer, json, list, object, text } from "../decode/values.ts";

/** Of what is around a row: who sent it, by the helm's word, when it came, and the resource that it is of. */
export type Around = {
  sender: Sender;
  /** In milliseconds since 1970, by the captain's clock. */
  cameAt: number;
  service: string | null;
  session: string | null;
  resource: string | null;
};

const NOTHING = Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, null])) as Row;

/** How far a row's own time may be from when it came: it may have waited, but past this a clock is wrong. */
const OLDEST_MS = 7 * 24 * 60 * 60_000;
const NEWEST_MS = 60 * 60_000;

/** Reads a resource, with what its rows take from it. */
export function aroundOf(resource: unknown, sender: Sender, cameAt: number): Around {
  const found = attributes(object(resource).attributes);
  return {
    sender,
    cameAt,
    service: text(found.get("service.name")),
    session: text(found.get("session.id")),
    resource: found.size === 0 ? null : json(found),
  };
}

/** Makes a row: what all rows have, and `own`. */
export function rowOf(around: Around, time: bigint, found: Map<string, unknown>, own: Partial<Row>): Row {
  const { voyage, ship, task, epoch } = around.sender;
  return {
    ...NOTHING,
    time,
    voyage,
    ship,
    task,
    epoch,
    session: text(found.get("session.id")) ?? around.session,
    service: around.service,
    model: first(found, "model", "gen_ai.request.model"),
    tool: first(found, "tool_name", "gen_ai.tool.name"),
    attributes: found.size === 0 ? null : json(found),
    resource: around.resource,
    ...own,
  };
}

/** What log records and spans tell of an answer of a model: what it cost, and its tokens. */
export function answerOf(found: Map<string, unknown>): Partial<Row> {
  return {
    cost_usd: double(found.get("cost_usd")),
    input_tokens: tokens(found, "input_tokens", "gen_ai.usage.input_tokens"),
    output_tokens: tokens(found, "output_tokens", "gen_ai.usage.output_tokens"),
    cache_read_tokens: tokens(found, "cache_read_tokens"),
    cache_creation_tokens: tokens(found, "cache_creation_tokens"),
  };
}

/**
 * The time of a row in microseconds, from nanoseconds; the time at which it came where there is none, or one that
 * cannot be true, which is then kept among the row's attributes.
 */
export function timeOf(around: Around, found: Map<string, unknown>, ...told: unknown[]): bigint {
  const came = BigInt(around.cameAt) * 1000n;
  const nanoseconds = told.map(integer).find((each) => each !== null && each !== 0n);
  if (nanoseconds === undefined || nanoseconds === null) return came;
  const time = nanoseconds / 1000n;
  const ageMs = Number((came - time) / 1000n);
  if (ageMs <= OLDEST_MS && ageMs >= -NEWEST_MS) return time;
  found.set("ocaptain.told_time_ns", nanoseconds);
  return came;
}

/** The status of what says itself whether it went well: Claude Code's `success` is the text "true". */
export function statusOf(found: Map<string, unknown>): string | null {
  const success = found.get("success");
  if (success === true || success === "true") return "ok";
  if (success === false || success === "false") return "error";
  return found.has("error") || found.has("error.type") || found.has("exception.type") ? "error" : null;
}

/** Runs through all elements of OTLP's three levels: resources, their scopes, and the `own` list of each scope. */
export function* each(resources: unknown[], scopes: string, own: string): Generator<{ resource: unknown; element: unknown }> {
  for (const entry of resources)
    for (const scope of list(object(entry)[scopes]))
      for (const element of list(object(scope)[own])) yield { resource: object(entry).resource, element };
}

function first(found: Map<string, unknown>, ...keys: string[]): string | null {
  for (const key of keys) {
    const value = text(found.get(key));
    if (value !== null) return value;
  }
  return null;
}

function tokens(found: Map<string, unknown>, ...keys: string[]): bigint | null {
  for (const key of keys) {
    const value = found.get(key);
    const number = typeof value === "bigint" ? value : double(value);
    if (number === null || number < 0 || number > 1e15) continue;
    return typeof number === "bigint" ? number : BigInt(Math.round(number));
  }
  return null;
}
