/**
 * A tier of tests: one folder under `tests/`. `npm test` runs those that use both cores one after the other, from cheap
 * to expensive, and then those that share the machine; a tier over its budget has failed.
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
   * The number of the tier's test files that run at the same time. A tier that has the machine for itself takes as many
   * as it has cores, or one more where its files wait a lot.
   */
  filesAtOnce: 1 | 2 | 3;
  /**
   * Whether the tier shares the machine with others, because its files start engines, daemons or confined ships, and
   * wait for them ({@link FILES_AT_ONCE}).
   */
  shares?: boolean;
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
  { name: "telemetry", budgetMinutes: 3, testTimeoutSeconds: 60, filesAtOnce: 2 },
  { name: "harbor", budgetMinutes: 3, testTimeoutSeconds: 60, filesAtOnce: 3 },
  { name: "crew", budgetMinutes: 8, testTimeoutSeconds: 120, filesAtOnce: 3 },
  { name: "stack", budgetMinutes: 22, testTimeoutSeconds: 300, filesAtOnce: 2, shares: true },
  { name: "claude", budgetMinutes: 24, testTimeoutSeconds: 120, filesAtOnce: 1, shares: true },
  {
    ...{ name: "tailnet", budgetMinutes: 14, testTimeoutSeconds: 300, filesAtOnce: 1, shares: true },
    ...{ parts: tailnetParts, ownNetwork: true },
  },
  { name: "page", budgetMinutes: 6, testTimeoutSeconds: 90, filesAtOnce: 1, shares: true, parts: ["chromium"] },
  { name: "contract", budgetMinutes: 10, testTimeoutSeconds: 120, filesAtOnce: 1, shares: true },
  { name: "cli", budgetMinutes: 13, testTimeoutSeconds: 120, filesAtOnce: 1, shares: true },
  { name: "landing", budgetMinutes: 8, testTimeoutSeconds: 120, filesAtOnce: 1, shares: true, parts: ["gitea"] },
  { name: "package", budgetMinutes: 5, testTimeoutSeconds: 180, filesAtOnce: 1, shares: true },
  { name: "tools", budgetMinutes: 4, testTimeoutSeconds: 180, filesAtOnce: 1, shares: true },
  { name: "storm", budgetMinutes: 6, testTimeoutSeconds: 300, filesAtOnce: 1, shares: true },
  { name: "wire", budgetMinutes: 2, testTimeoutSeconds: 120, filesAtOnce: 1, shares: true },
];

/**
 * The number of test files that run at the same time, of the tiers that share the machine. Each of them waits for a
 * good part of its time, so two would leave a fifth of two cores idle. The longest tier runs two of its own, or it
 * would go on when all others have ended.
 */
export const FILES_AT_ONCE = 3;
