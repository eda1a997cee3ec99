import { defineConfig } from "vitest/config";
import { environment } from "./tools/environment.mjs";
import { type Tier, tiers } from "./tools/tiers.ts";

if (!("groupBy" in Map)) throw new Error(`the tests need Node 24, and this is ${process.version}: . .tools/env.sh`);

// Tests find the tools that `npm test` gives them, also when a shell starts vitest itself.
Object.assign(process.env, environment());

/**
 * How many seconds `expect.poll` looks when a test says nothing else: half a minute, or a quarter of a longer test's
 * time. The wait ends as soon as what is waited for is there, so that only a failure costs this time; vitest's own
 * second is too short for two busy cores.
 */
const pollSeconds = ({ testTimeoutSeconds: all }: Tier) => Math.max(Math.min(30, all * 0.75), all / 4);

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
        expect: { poll: { timeout: pollSeconds(tier) * 1000 } },
        // A failure is mostly read in a log, where the message has to say by itself what the values were.
        chaiConfig: { truncateThreshold: 2000 },
        setupFiles: ["tests/setup/silent-console.ts"],
        // vitest rewrites imports, and the rewriting would be serialised with the delegate
        // (docs/facts/pulumi.md#serialisation).
        server: { deps: { external: [/delegate\.ts$/] } },
      },
    })),
  },
});
