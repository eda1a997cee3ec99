import { setTimeout as delay } from "node:timers/promises";
import { type Service, ServiceDefinition } from "../sprites/service.ts";
import type { Services } from "../sprites/services.ts";
import type { Vm } from "../vm/vm.ts";
import type { ApiCall } from "./call.ts";
import { durationMs, signalOf } from "./query-values.ts";
import { readBody, readJson, reply, replyJson, runtimeHeaders } from "./replies.ts";

/** A call for the services of a ship that is awake. */
type ServiceCall = Pick<ApiCall, "request" | "response" | "query" | "fault"> & { services: Services; vm: Vm };

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** How long the answer to a start goes on when the caller does not say; the vendor's own examples say 5 s. */
const TELL_MS = 5_000;
const STOP_MS = 10_000;
/** Most bytes that a caller may leave unread before it is hung up on. */
const MOST_UNREAD_BYTES = 8 * 1024 * 1024;

type Serve = (call: ServiceCall) => void | Promise<void>;

/**
 * The function that answers for `rest`, which is what follows `services` in a path, slash included; undefined for what
 * is not served.
 */
export function serviceRoute(method: string, rest: string): Serve | undefined {
  if (rest === "") return method === "GET" ? list : undefined;
  if (rest === "/signal" && method === "POST") return signal;
  const [, name = "", verb] = /^\/([^/]+)(?:\/(start|stop|restart|logs))?$/.exec(rest) ?? [];
  if (!name) return undefined;
  if (!verb && method === "PUT") return (call) => put(call, name);
  const serve = { GET: { "": show, logs }, DELETE: { "": remove }, POST: { start, stop, restart } } as Record<
    string,
    Record<string, (call: ServiceCall, service: Service) => void | Promise<void>>
  >;
  const found = serve[method]?.[verb ?? ""];
  return (
    found &&
    ((call) => {
      const service = call.services.get(name);
      return service ? found(call, service) : replyJson(call.response, 404, { error: "service not found" }, runtimeHeaders);
    })
  );
}

const list: Serve = ({ response, services }) =>
  replyJson(
    response,
    200,
    services.list().map((service) => service.view()),
    runtimeHeaders,
  );

const show = ({ response }: ServiceCall, service: Service) => replyJson(response, 200, service.view(), runtimeHeaders);

/** Defines a service and starts it. For one that runs already the stream has no event, as seen at the vendor. */
async function put(call: ServiceCall, name: string): Promise<void> {
  const { response, services, vm } = call;
  const body = await readBody(call, ServiceDefinition, runtimeHeaders);
  if (!body) return;
  if (!NAME.test(name)) return replyJson(response, 400, { error: "invalid service name" }, runtimeHeaders);
  const problem = services.problem(name, body);
  if (problem) return replyJson(response, problem.status, { error: problem.error }, runtimeHeaders);
  const service = services.put(name, body);
  if (service.isUp) return reply(response, 200, "", ndjson);
  await stream(call, service, durationOf(call), () => services.start(service, vm));
}

const start = (call: ServiceCall, service: Service) =>
  stream(call, service, durationOf(call), () => call.services.start(service, call.vm));

function stop(call: ServiceCall, service: Service): void | Promise<void> {
  if (!service.isActive) return replyJson(call.response, 409, { error: "service is not running" }, runtimeHeaders);
  const timeoutMs = durationMs(call.query.get("timeout")) ?? STOP_MS;
  return stream(call, service, 0, () => call.services.stop(service, timeoutMs));
}

const restart = (call: ServiceCall, service: Service) =>
  stream(call, service, durationOf(call), async () => {
    await call.services.stop(service, STOP_MS);
    await call.services.start(service, call.vm);
  });

/** Sends the lines that are kept and, with `duration`, what the service prints meanwhile. */
function logs(call: ServiceCall, service: Service): Promise<void> {
  const lines = Number(call.query.get("lines") ?? 100);
  return stream(call, service, durationMs(call.query.get("duration")) ?? 0, () => {
    for (const event of service.log.tail(lines)) call.response.write(`${JSON.stringify(event)}\n`);
  });
}

function remove({ response, services }: ServiceCall, service: Service): void {
  const conflict = services.delete(service);
  if (conflict) replyJson(response, 409, { error: conflict }, runtimeHeaders);
  else reply(response, 204, "", runtimeHeaders);
}

async function signal({ request, response, services }: ServiceCall): Promise<void> {
  const body = await readJson(request);
  const wanted = signalOf(body?.signal);
  const service = services.get(String(body?.name));
  if (!wanted) return replyJson(response, 400, { error: "invalid signal" }, runtimeHeaders);
  if (!service) return replyJson(response, 404, { error: "service not found" }, runtimeHeaders);
  if (!service.signal(wanted)) return replyJson(response, 409, { error: "service is not running" }, runtimeHeaders);
  reply(response, 204, "", runtimeHeaders);
}

const ndjson = { "content-type": "application/x-ndjson", ...runtimeHeaders };
const durationOf = ({ query }: ServiceCall) => durationMs(query.get("duration")) ?? TELL_MS;

/** Answers 200 at once, then a line for each thing that happens: a failure is a line too. */
async function stream(
  { response, fault }: ServiceCall,
  service: Service,
  tellMs: number,
  act: () => void | Promise<void>,
): Promise<void> {
  const line = (event: object) => {
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
    else response.write(`${JSON.stringify(event)}\n`);
  };
  response.writeHead(200, ndjson);
  const silence = service.log.listen(line);
  const left = new AbortController();
  response.once("close", () => left.abort());
  try {
    await act();
    if (tellMs > 0) await delay(tellMs, undefined, { signal: left.signal }).catch(() => {});
  } catch (error) {
    line({ type: "error", data: (error as Error).message, timestamp: Date.now() });
  } finally {
    silence();
  }
  line({
    type: "complete",
    timestamp: Date.now(),
    log_files: { combined: `/.sprite/logs/services/${service.name}.log` },
  });
  if (fault?.kind !== "endless") response.end();
}
