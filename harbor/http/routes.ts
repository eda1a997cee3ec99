import type { HarborShip } from "../sprites/ship.ts";
import type { ApiCall } from "./call.ts";
import { execOverHttp, killSession, listSessions } from "./exec-routes.ts";
import type { Fault } from "./faults.ts";
import { fileCall, isFileCall } from "./fs-routes.ts";
import { getNetworkPolicy, setNetworkPolicy } from "./policy-routes.ts";
import { decode, replyJson } from "./replies.ts";
import { serviceRoute } from "./service-routes.ts";
import { createSprite, deleteSprite, getSprite, listSprites, notFound, updateSprite } from "./sprite-routes.ts";

/**
 * What a path asks for: the sprite's name, the kind of call by which faults are found, and the function that answers.
 */
export type Route = {
  name: string | undefined;
  kind: Fault["on"];
  serve(call: ApiCall): void | Promise<void>;
};

/** The route of a call; undefined for a call that the harbor does not serve. */
export function routeOf(method: string, path: string): Route | undefined {
  if (path === "/v1/sprites") {
    if (method === "POST") return { name: undefined, kind: "create", serve: createSprite };
    if (method === "GET") return { name: undefined, kind: "list", serve: listSprites };
    return undefined;
  }
  const [, encoded, rest = ""] = /^\/v1\/sprites\/([^/]+)(?:\/(.+))?$/.exec(path) ?? [];
  const name = encoded && decode(encoded);
  if (!name) return undefined;
  /** A call that needs the sprite to exist. */
  const runtime = (kind: Fault["on"], serve: (call: ApiCall, ship: HarborShip) => void | Promise<void>): Route => ({
    name,
    kind,
    serve(call) {
      const ship = call.ships.get(name);
      return ship ? serve(call, ship) : replyJson(call.response, 404, notFound);
    },
  });
  if (rest === "") {
    if (method === "GET") return { name, kind: "get", serve: (call) => getSprite(call, call.ships.get(name)) };
    if (method === "PUT") return { name, kind: "update", serve: (call) => updateSprite(call, call.ships.get(name)) };
    if (method === "DELETE") return { name, kind: "delete", serve: (call) => deleteSprite(call, call.ships.get(name)) };
    return undefined;
  }
  if (rest === "exec") {
    if (method === "POST") return runtime("exec", execOverHttp);
    if (method === "GET") return runtime("sessions", listSessions);
    return undefined;
  }
  const [, session] = /^exec\/([^/]+)\/kill$/.exec(rest) ?? [];
  if (session && method === "POST") return runtime("sessions", (call, ship) => killSession(call, ship, decode(session) ?? ""));
  const [, operation] = /^fs\/(\w+)$/.exec(rest) ?? [];
  if (operation && isFileCall(method, operation)) return runtime("fs", (call, ship) => fileCall(call, ship, operation));
  if (rest === "policy/network" && method === "GET") return runtime("policy", getNetworkPolicy);
  if (rest === "policy/network" && method === "POST") return runtime("policy", setNetworkPolicy);
  const [, service] = /^services(|\/.+)$/.exec(rest) ?? [];
  const serveService = service === undefined ? undefined : serviceRoute(method, service);
  if (serveService)
    return runtime("service", (call, ship) => ship.awake(async (vm) => serveService({ ...call, services: ship.services, vm })));
  return undefined;
}
