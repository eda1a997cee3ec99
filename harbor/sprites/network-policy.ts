import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Call, runtimeHeaders } from "../http/call.ts";
import { readJson, reply, replyJson } from "../http/replies.ts";
import type { Ship } from "./ship.ts";

/** Facts: sprites §8. Strict, as a rule with a spelling mistake would else be none. */
const Rule = z.union([
  z.strictObject({
    domain: z.string().regex(/^(\*|(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)$/),
    action: z.enum(["allow", "deny"]),
  }),
  z.strictObject({ include: z.literal("defaults") }),
]);
const Policy = z.object({ rules: z.array(Rule) });
export type NetworkRules = z.infer<typeof Policy>["rules"];

/** What a ship may reach, kept and read back. It is not enforced: a harbor's ships are on the captain's network, or on one without names. */
export class NetworkPolicy {
  private rules: NetworkRules;
  private readonly folder: string;
  private readonly save: (rules: NetworkRules) => void;

  /** @param folder the ship's `/.sprite/policy` */
  constructor(rules: NetworkRules, folder: string, save: (rules: NetworkRules) => void) {
    this.rules = rules;
    this.folder = folder;
    this.save = save;
  }

  view(): { rules: NetworkRules } {
    return { rules: this.rules };
  }

  set(rules: NetworkRules): void {
    this.rules = rules;
    this.save(rules);
    this.write();
  }

  /** `/.sprite/policy/network.json` */
  write(): void {
    const file = join(this.folder, "network.json");
    mkdirSync(this.folder, { recursive: true, mode: 0o755 });
    writeFileSync(`${file}.new`, JSON.stringify(this.view()));
    renameSync(`${file}.new`, file);
  }
}

/** `GET …/policy/network` */
export const getNetworkPolicy = ({ response }: Call, ship: Ship) =>
  ship.awake(async () => replyJson(response, 200, ship.policy.view(), runtimeHeaders));

/** `POST …/policy/network` replaces all rules. 204, as the vendor's clients want it; its pages say 200, which is a fault here. */
export async function setNetworkPolicy({ request, response, fault }: Call, ship: Ship): Promise<void> {
  const body = Policy.safeParse(await readJson(request));
  if (!body.success) return replyJson(response, 400, { error: z.prettifyError(body.error) }, runtimeHeaders);
  await ship.awake(async () => {
    if (fault?.kind !== "not-kept") ship.policy.set(body.data.rules);
    if (fault?.kind === "says-200") return replyJson(response, 200, body.data, runtimeHeaders);
    reply(response, 204, "", runtimeHeaders);
  });
}
