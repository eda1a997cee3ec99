import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** A rule of a network policy. Strict: a rule with a misspelt key would otherwise be no rule at all. */
const Rule = z.union([
  z.strictObject({
    domain: z.string().regex(/^(\*|(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)$/),
    action: z.enum(["allow", "deny"]),
  }),
  z.strictObject({ include: z.literal("defaults") }),
]);
export const NetworkRules = z.array(Rule);
export type NetworkRules = z.infer<typeof NetworkRules>;

/**
 * What a ship may reach, kept and read back. Nothing enforces it: a harbor's ships are on the captain's network, or on
 * one without names.
 */
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

  /** Writes what the ship sees as `/.sprite/policy/network.json`. */
  write(): void {
    const file = join(this.folder, "network.json");
    mkdirSync(this.folder, { recursive: true, mode: 0o755 });
    writeFileSync(`${file}.new`, JSON.stringify(this.view()));
    renameSync(`${file}.new`, file);
  }
}
