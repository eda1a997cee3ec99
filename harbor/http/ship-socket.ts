import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { OcaptainError } from "../../lib/base/errors.ts";
import { type Holds, holdCall } from "../sprites/holds.ts";
import type { NetworkPolicy } from "../sprites/network-policy.ts";
import type { Services } from "../sprites/services.ts";
import type { Vm } from "../vm/vm.ts";
import { decode, replyJson } from "./replies.ts";
import { serviceRoute } from "./service-routes.ts";

/** Whoever is in the ship opens them, in the harbor of all ships. */
const MOST_CONNECTIONS = 64;

/** What a ship may ask of its own machine. */
type Inside = { holds: Holds; services: Services; policy: NetworkPolicy; vm(): Vm | undefined };

/** Serves one ship's own API on the socket that is its `/.sprite/api.sock` (facts: sprites §10). No token: who is in the ship may ask. */
export async function serveShip(inside: Inside, socket: string): Promise<Server> {
  if (socket.length > 107)
    throw new OcaptainError("PATH_TOO_LONG", `${socket} is too long for a unix socket`, {
      hint: "export OCAPTAIN_HOME=/a/shorter/folder",
    });
  rmSync(socket, { force: true });
  const server = createServer((request, response) => {
    answer(inside, request, response).catch((error: Error) => {
      if (response.headersSent) response.destroy();
      else replyJson(response, 503, { error: error.message });
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(socket);
  await once(server, "listening");
  chmodSync(socket, 0o600);
  return server;
}

async function answer(inside: Inside, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = "/", search = ""] = (request.url ?? "/").split("?", 2);
  const method = request.method ?? "";
  const [, tasks, task] = /^\/v1\/(tasks)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (tasks) return holdCall(inside.holds, request, response, task && decode(task));
  const [, services] = /^\/v1\/services(|\/.+)$/.exec(path) ?? [];
  const serve = services === undefined ? undefined : serviceRoute(method, services);
  const vm = inside.vm();
  if (serve && vm) return serve({ request, response, query: new URLSearchParams(search), services: inside.services, vm });
  if (method === "GET" && /^(\/v1)?\/policy\/network$/.test(path)) return replyJson(response, 200, inside.policy.view());
  replyJson(response, 501, { error: `the harbor does not serve ${method} ${path} in a ship` });
}
