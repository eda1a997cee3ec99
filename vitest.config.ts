import { defineConfig } from "vitest/config";
import { tiers } from "./tools/tiers.ts";

/** One vitest project a tier: `vitest run --project helm` or `vitest run tests/helm`. */
export default defineConfig({
  test: {
    projects: tiers.map((tier, index) => ({
      test: {
        name: tier.name,
        include: [`tests/${tier.name}/**/*.test.ts`],
        // Pulumi's mocks and our environment variables are process-wide.
        pool: "forks",
        maxWorkers: tier.filesAtOnce,
        fileParallelism: tier.filesAtOnce > 1,
        sequence: { groupOrder: index },
        testTimeout: tier.testTimeoutSeconds * 1000,
        hookTimeout: tier.testTimeoutSeconds * 1000,
        setupFiles: ["tests/setup/silent-console.ts"],
        // vitest rewrites imports, and the rewriting would be serialised with the delegate
        // (docs/facts/pulumi.md#serialisation).
        server: { deps: { external: [/delegate\.ts$/] } },
      },
    })),
  },
});
