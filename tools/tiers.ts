/**
 * The tiers of tests, from cheap to dear (house-style §5): one folder under `tests/` each.
 * `npm test` runs them in this order; a tier over its budget has failed.
 */
export type Tier = {
  /** Folder under `tests/`. */
  name: string;
  /** Wall time on 2 cores after which the tier is stopped and counted as failed. */
  budgetMinutes: number;
  /** Longest that a single test may take. */
  testTimeoutSeconds: number;
  /** Test files run at the same time. 1 where a file starts engines, daemons or confined ships of its own. */
  filesAtOnce: number;
  /** Parts of set-up that only this tier needs (tools/setup/parts.mjs): made before its time begins, for a first build takes minutes. */
  parts?: string[];
  /** As root, its tests run in a network namespace of their own: their servers have addresses that confined ships reach, and the machine none of them. */
  ownNetwork?: boolean;
};

const tailnetParts = [`tailscale-${process.arch === "arm64" ? "arm64" : "amd64"}`, "headscale"];

export const tiers: Tier[] = [
  { name: "lib", budgetMinutes: 2, testTimeoutSeconds: 20, filesAtOnce: 2 },
  { name: "plans", budgetMinutes: 1, testTimeoutSeconds: 60, filesAtOnce: 2 },
  { name: "tools", budgetMinutes: 2, testTimeoutSeconds: 60, filesAtOnce: 1 },
  { name: "harbor", budgetMinutes: 3, testTimeoutSeconds: 60, filesAtOnce: 2 },
  { name: "helm", budgetMinutes: 4, testTimeoutSeconds: 120, filesAtOnce: 2 },
  { name: "crew", budgetMinutes: 8, testTimeoutSeconds: 60, filesAtOnce: 2 },
  { name: "claude", budgetMinutes: 12, testTimeoutSeconds: 120, filesAtOnce: 1 },
  { name: "wire", budgetMinutes: 1, testTimeoutSeconds: 60, filesAtOnce: 1 },
  { name: "program", budgetMinutes: 1, testTimeoutSeconds: 60, filesAtOnce: 2 },
  { name: "cli", budgetMinutes: 4, testTimeoutSeconds: 60, filesAtOnce: 1 },
  { name: "contract", budgetMinutes: 8, testTimeoutSeconds: 120, filesAtOnce: 1 },
  { name: "package", budgetMinutes: 5, testTimeoutSeconds: 180, filesAtOnce: 1 },
  { name: "tailnet", budgetMinutes: 10, testTimeoutSeconds: 300, filesAtOnce: 1, parts: tailnetParts, ownNetwork: true },
  { name: "stack", budgetMinutes: 20, testTimeoutSeconds: 300, filesAtOnce: 1 },
];
