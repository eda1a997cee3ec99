import { z } from "zod";
import { NetworkRules } from "../sprites/network-policy.ts";
import type { HarborShip } from "../sprites/ship.ts";
import type { ApiCall } from "./call.ts";
import { readBody, reply, replyJson, runtimeHeaders } from "./replies.ts";

/** Serves `GET …/policy/network`. */
export const getNetworkPolicy = ({ response }: ApiCall, ship: HarborShip) =>
  ship.awake(async () => replyJson(response, 200, ship.policy.view(), runtimeHeaders));

/**
 * Serves `POST …/policy/network`, which replaces all rules. It answers 204, which the vendor's clients expect; the
 * vendor's pages say 200, and tests can have that as a fault.
 */
export async function setNetworkPolicy(call: ApiCall, ship: HarborShip): Promise<void> {
  const { response, fault } = call;
  const body = await readBody(call, z.object({ rules: NetworkRules }), runtimeHeaders);
  if (!body) return;
  await ship.awake(async () => {
    if (fault?.kind !== "not-kept") ship.policy.set(body.rules);
    if (fault?.kind === "says-200") return replyJson(response, 200, body, runtimeHeaders);
    reply(response, 204, "", runtimeHeaders);
  });
}
