import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestShip } from "../support/test-ship.ts";

/** Stands between a ship and its helm, and answers claims with `claims` unless that is null. */
export async function helmThatErrs(helmUrl: string, ship: TestShip) {
  const errs = { claims: null as { status: number; body: object } | null, stop };
  const server = createServer((from, to) => {
    if (errs.claims && from.url === "/v1/ship/claim") {
      to.writeHead(errs.claims.status, { "content-type": "application/json" });
      to.end(JSON.stringify(errs.claims.body));
      return;
    }
    const { method, headers } = from;
    const on = request(`${helmUrl}${from.url}`, { method, headers }, (answer) => {
      to.writeHead(answer.statusCode!, answer.headers);
      to.flushHeaders();
      answer.pipe(to);
    });
    on.on("error", () => to.destroy());
    to.on("close", () => on.destroy());
    from.pipe(on);
  });
  async function stop(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const config = JSON.parse(readFileSync(ship.path("crew/config.json"), "utf8"));
  config.helmUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(ship.path("crew/config.json"), JSON.stringify(config));
  return errs;
}
