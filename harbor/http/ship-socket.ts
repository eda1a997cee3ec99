import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { Holds } from "../sprites/holds.ts";
import { holdCall } from "./hold-routes.ts";
import { decode, replyJson } from "./replies.ts";

/** Most connections of one ship: any process in it may open them, and the harbor has other ships. */
const MOST_CONNECTIONS = 64;

/**
 * Serves one ship's own API on the unix socket that is `/.sprite/api.sock` in the ship. It asks for no token: every
 * process in the ship may call.
 * @throws OcaptainError PATH_TOO_LONG when the socket's path has more than 107 bytes
 */
export async function serveShip(holds: Holds, socket: string): Promise<Server> {
  if (socket.length > 107)
    throw new OcaptainError("PATH_TOO_LONG", `${socket} is too long for a unix socket`, {
      hint: "export OCAPTAIN_HOME=/a/shorter/folder",
    });
  rmSync(socket, { force: true });
  const server = createServer((request, response) => {
    answer(holds, request, response).catch((error: Error) => {
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

async function answer(holds: Holds, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = "/"] = (request.url ?? "/").split("?", 1);
  const [, tasks, task] = /^\/v1\/(tasks)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (tasks) return holdCall(holds, request, response, task && decode(task));
  replyJson(response, 501, { error: `the harbor does not serve ${request.method} ${path} in a ship` });
}
