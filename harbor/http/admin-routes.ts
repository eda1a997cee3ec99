import { z } from "zod";
import { Limits } from "../sprites/account.ts";
import type { ApiCall } from "./call.ts";
import { Fault, type Faults, Weather } from "./faults.ts";
import { readBody, readJson, reply, replyJson } from "./replies.ts";

/**
 * Serves the harbor's own calls, which the vendor does not have: tests and `--stop` make them.
 *
 * | call | body | answer |
 * |---|---|---|
 * | `POST /__harbor/faults` | `{faults: Fault[]}` | 204: added |
 * | `GET /__harbor/faults` | – | 200 `{met}`: the last 1000 that calls have met |
 * | `DELETE /__harbor/faults` | – | 204: rules, weather and what was met forgotten |
 * | `POST /__harbor/weather` | `Weather` | 204: from now on |
 * | `POST /__harbor/account` | `Limits` | 204: from now on |
 * | `POST /__harbor/sprites/{name}/sleep` | `{to: "warm" \| "cold"}` | 204: asleep now |
 * | `POST /__harbor/shutdown` | – | 202, then it ends |
 */
export async function adminCall(call: ApiCall, path: string, faults: Faults, shutdown: () => void): Promise<void> {
  const { request, response, ships } = call;
  if (path === "/__harbor/faults" && request.method === "DELETE") {
    faults.clear();
    return reply(response, 204);
  }
  if (path === "/__harbor/faults" && request.method === "POST") {
    const body = await readBody(call, z.object({ faults: z.array(Fault) }));
    if (!body) return;
    faults.add(body.faults);
    return reply(response, 204);
  }
  if (path === "/__harbor/faults" && request.method === "GET") return replyJson(response, 200, { met: faults.met });
  if (path === "/__harbor/account" && request.method === "POST") {
    const limits = await readBody(call, Limits);
    if (!limits) return;
    ships.settings.account.limits = limits;
    return reply(response, 204);
  }
  if (path === "/__harbor/weather" && request.method === "POST") {
    const weather = await readBody(call, Weather);
    if (!weather) return;
    faults.setWeather(weather);
    return reply(response, 204);
  }
  if (path === "/__harbor/shutdown" && request.method === "POST") {
    reply(response, 202);
    return shutdown();
  }
  const [, name] = /^\/__harbor\/sprites\/([a-z0-9-]+)\/sleep$/.exec(path) ?? [];
  const ship = name && ships.get(name);
  const to = (await readJson(request))?.to;
  if (!ship || request.method !== "POST") return replyJson(response, 404, { error: "sprite not found" });
  if (to !== "warm" && to !== "cold") return replyJson(response, 400, { error: 'to must be "warm" or "cold"' });
  await ship.sleep(to);
  reply(response, 204);
}
