import { OcaptainError } from "../base/errors.ts";
import { errorText, type Http, type HttpReply, type HttpRequest, steady } from "../base/http-call.ts";
import { said } from "../base/text.ts";
import { expect, jsonOf, refused, spriteGone, spritePath } from "./calls.ts";
import type { ServiceInfo, ServiceSpec, SpritesClient } from "./types.ts";

/**
 * Calls for services, which the provider keeps running on a ship (docs/facts/sprites.md#services). Every call wakes the
 * ship.
 */

/** How long an answer goes on with what the service prints. What becomes of the service is asked for afterwards. */
const TELL = "100ms";
const STOP_WITHIN = "10s";
/** Bound of one call, in which a ship may have to wake and a service to be stopped. */
const TIMEOUT_MS = 60_000;
/**
 * How long the stream that answers these methods is read. It should have ended after {@link TELL} or {@link
 * STOP_WITHIN}; the vendor's do not always end.
 */
const STREAMS = ["PUT", "POST"];
const TELL_BODY_MS = 3_000;
const STOP_BODY_MS = 15_000;

type ServiceCalls = Pick<
  SpritesClient,
  "service" | "putService" | "startService" | "stopService" | "deleteService" | "serviceLogs"
>;

export function openServices(http: Http): ServiceCalls {
  const call = (
    name: string,
    service: string,
    request: Pick<HttpRequest, "method" | "json"> & { verb?: string; query?: string },
  ) =>
    steady(http, {
      method: request.method,
      path: `${spritePath(name)}/services/${encodeURIComponent(service)}${request.verb ? `/${request.verb}` : ""}${request.query ? `?${request.query}` : ""}`,
      ...(request.json !== undefined && { json: request.json }),
      timeoutMs: TIMEOUT_MS,
      ...(STREAMS.includes(request.method) && { bodyMs: request.verb === "stop" ? STOP_BODY_MS : TELL_BODY_MS }),
    });

  const self: ServiceCalls = {
    async service(name, service) {
      const reply = await call(name, service, { method: "GET" });
      if (unknown(reply, name)) return null;
      const what = `read service ${service} of ${name}`;
      return info(expect(reply, what), what);
    },

    async putService(name, service, spec) {
      const found = await self.service(name, service);
      const same = found !== null && definition(found) === definition(spec);
      if (same && isUp(found)) return found;
      // A service that runs would go on with its old environment.
      if (found && !same) await self.stopService(name, service);
      if (!same) {
        const { cmd, args = [], env = {}, dir, needs = [] } = spec;
        const json = { cmd, args, env, needs, ...(dir !== undefined && { dir }) };
        const reply = await call(name, service, { method: "PUT", json, query: `duration=${TELL}` });
        if (unknown(reply, name)) throw refused(`put service ${service} of ${name}`, reply);
        told(reply, `put service ${service} of ${name}`);
      }
      return self.startService(name, service);
    },

    async startService(name, service) {
      const found = await self.service(name, service);
      if (!found) throw noService(name, service);
      if (isUp(found)) return found;
      const reply = await call(name, service, { method: "POST", verb: "start", query: `duration=${TELL}` });
      if (unknown(reply, name)) throw noService(name, service);
      // 409 says that it was started by somebody else meanwhile, which its state will tell.
      if (reply.status !== 409) told(reply, `start service ${service} of ${name}`);
      const started = await self.service(name, service);
      if (!started) throw noService(name, service);
      return started;
    },

    async stopService(name, service) {
      const reply = await call(name, service, { method: "POST", verb: "stop", query: `timeout=${STOP_WITHIN}` });
      // 409 says that it does not run.
      if (unknown(reply, name) || reply.status === 409) return;
      told(reply, `stop service ${service} of ${name}`);
    },

    async deleteService(name, service) {
      await self.stopService(name, service);
      const reply = await call(name, service, { method: "DELETE" });
      if (!unknown(reply, name)) expect(reply, `delete service ${service} of ${name}`);
      if (await self.service(name, service))
        throw new OcaptainError("SERVICE_STAYS", `service ${service} of ${name} is still there after it was deleted`, {
          hint: "pulumi up  # again",
        });
    },

    async serviceLogs(name, service, lines) {
      const reply = await call(name, service, { method: "GET", verb: "logs", query: `lines=${lines}&duration=${TELL}` });
      if (unknown(reply, name)) throw noService(name, service);
      return events(expect(reply, `read the log of service ${service} of ${name}`))
        .filter(({ type }) => type === "stdout" || type === "stderr")
        .map(({ data = "" }) => (data.endsWith("\n") ? data : `${data}\n`))
        .join("");
    },
  };
  return self;
}

const isUp = ({ status }: ServiceInfo) => status === "running" || status === "starting";

/** Whether the ship has no such service. @throws OcaptainError SPRITE_GONE when it is the sprite that is not there */
function unknown(reply: HttpReply, name: string): boolean {
  if (reply.status !== 404) return false;
  if (/sprite not found/.test(errorText(reply))) throw spriteGone(name);
  return true;
}

const noService = (name: string, service: string) =>
  new OcaptainError("SERVICE_GONE", `sprite "${name}" has no service "${service}"`, { hint: "pulumi up" });

type Event = { type?: string; data?: string; error?: string };

/**
 * The events of an NDJSON reply, which may be none. Lines that are no JSON are left out, as the vendor's client does.
 */
function events(reply: HttpReply): Event[] {
  return reply.body
    .toString("utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Event];
      } catch {
        return [];
      }
    });
}

/** Throws when a reply tells of a failure: 200 is only its beginning, and what goes wrong is a line. */
function told(reply: HttpReply, what: string): void {
  const bad = events(expect(reply, what)).find(({ type }) => type === "error");
  if (bad) throw new OcaptainError("SERVICE_FAILED", `${what}: ${said(bad.error ?? bad.data ?? "", 300) || "no reason given"}`);
}

/**
 * A definition as a text that is the same for the same definition: keys are in order, and what is left out has its
 * default.
 */
const definition = ({ cmd, args = [], env = {}, dir = "", needs = [] }: ServiceSpec) =>
  JSON.stringify([cmd, args, Object.entries(env).sort(), dir, needs]);

function info(reply: HttpReply, what: string): ServiceInfo {
  type State = { status?: ServiceInfo["status"]; pid?: number; restart_count?: number; error?: string };
  const raw = jsonOf<Partial<ServiceSpec> & { state?: State }>(reply, what);
  return {
    cmd: raw.cmd ?? "",
    args: raw.args ?? [],
    env: raw.env ?? {},
    ...(raw.dir && { dir: raw.dir }),
    needs: raw.needs ?? [],
    status: raw.state?.status ?? "stopped",
    pid: raw.state?.pid,
    restarts: raw.state?.restart_count ?? 0,
    error: raw.state?.error,
  };
}
