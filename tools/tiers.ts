/**
 * A tier of tests: one folder under `tests/`. They are listed from cheap to expensive. `npm test` runs those that use
 * both cores one after the other, and then the others two at a time; a tier over its budget has failed.
 */
export type Tier = {
  /** The tier's folder under `tests/`. */
  name: string;
  /**
   * The time after which the tier is stopped and counted as failed, on 2 cores, or on its share of them where several
   * tiers run at the same time.
   */
  budgetMinutes: number;
  /** The longest time that a single test may take. */
  testTimeoutSeconds: number;
  /**
   * The number of test files that run at the same time. A tier that has the machine for itself takes as many as it
   * has cores, or one more where its files wait a lot. 1 is for a tier whose files start engines, daemons or confined
   * ships, so that it shares the machine with others of the kind.
   */
  filesAtOnce: 1 | 2 | 3;
  /** Whether the tier is part of `npm test -- fast`, for everyday use. */
  fast?: boolean;
  /**
   * The parts of set-up that only this tier needs (tools/setup/parts.mjs). They are made before the tier's time begins,
   * because a first build takes minutes.
   */
  parts?: string[];
  /**
   * Whether root runs the tests in a network namespace of their own. Their servers then have addresses that confined
   * ships reach, and the machine itself gets none of these addresses.
   */
  ownNetwork?: boolean;
};

const tailnetParts = [`tailscale-${process.arch === "arm64" ? "arm64" : "amd64"}`, "headscale"];

export const tiers: Tier[] = [
  { name: "lib", budgetMinutes: 2, testTimeoutSeconds: 20, filesAtOnce: 3, fast: true },
  { name: "plans", budgetMinutes: 1, testTimeoutSeconds: 60, filesAtOnce: 2, fast: true },
  { name: "program", budgetMinutes: 1, testTimeoutSeconds: 60, filesAtOnce: 2, fast: true },
  { name: "helm", budgetMinutes: 5, testTimeoutSeconds: 120, filesAtOnce: 2, fast: true },
  { name: "harbor", budgetMinutes: 3, testTimeoutSeconds: 60, filesAtOnce: 3 },
  { name: "crew", budgetMinutes: 8, testTimeoutSeconds: 120, filesAtOnce: 3 },
  { name: "stack", budgetMinutes: 30, testTimeoutSeconds: 300, filesAtOnce: 1 },
  { name: "claude", budgetMinutes: 20, testTimeoutSeconds: 120, filesAtOnce: 1 },
  { name: "tailnet", budgetMinutes: 14, testTimeoutSeconds: 300, filesAtOnce: 1, parts: tailnetParts, ownNetwork: true },
  { name: "page", budgetMinutes: 4, testTimeoutSeconds: 90, filesAtOnce: 1, parts: ["chromium"] },
  { name: "contract", budgetMinutes: 10, testTimeoutSeconds: 120, filesAtOnce: 1 },
  { name: "cli", budgetMinutes: 8, testTimeoutSeconds: 120, filesAtOnce: 1 },
  { name: "package", budgetMinutes: 5, testTimeoutSeconds: 180, filesAtOnce: 1 },
  { name: "tools", budgetMinutes: 4, testTimeoutSeconds: 180, filesAtOnce: 1 },
  { name: "wire", budgetMinutes: 2, testTimeoutSeconds: 120, filesAtOnce: 1 },
];

/**
 * The number of tiers that run at the same time, of those that share the machine. A third one leaves no core idle, and
 * gains nothing: the tier stack, the longest, then takes half as long again.
 */
export const TIERS_AT_ONCE = 2;
