import { beforeEach, expect, test, vi } from "vitest";
import { ensureHarbor, runningHarbor, stopHarbor } from "../../lib/daemons/harbor.ts";
import { harborNetCheck } from "../../lib/preflight/tailnet.ts";
import { caller, ownHarborHome } from "./fixture.ts";

/**
 * Gives what preflight finds about the network of the ships that will be made, for a voyage in a tailnet and for one
 * without.
 */
const looks = async () => ({ tailnet: await harborNetCheck(true).look(), none: await harborNetCheck(false).look() });

const SHARED = "its ships share this machine's network; in a tailnet each needs one of its own";
const OWN = "its ships have networks of their own, and reach this machine over a tailnet only";
const finding = (message: string, hint: string) => [{ what: "harbor", message, hint }];

beforeEach(() => ownHarborHome());

test("no harbor runs: the environment says what the one that up starts will be, and nothing is started", async () => {
  expect(await looks()).toEqual({ tailnet: finding(SHARED, "as root: export OCAPTAIN_HARBOR_NET=isolated"), none: [] });
  vi.stubEnv("OCAPTAIN_HARBOR_NET", "isolated");
  const hint = "unset OCAPTAIN_HARBOR_NET; or pulumi config set ocaptain:mesh tailscale";
  expect(await looks()).toEqual({ tailnet: [], none: finding(OWN, hint) });
  expect(await runningHarbor()).toBeUndefined();
});

test("a harbor with a shared network runs: the environment, which comes too late, does not count", async () => {
  await ensureHarbor();
  vi.stubEnv("OCAPTAIN_HARBOR_NET", "isolated");
  const hint = "as root: npm run harbor -- --stop; export OCAPTAIN_HARBOR_NET=isolated";
  expect(await looks()).toEqual({ tailnet: finding(SHARED, hint), none: [] });
});

test.skipIf(process.getuid!() !== 0)(
  "a harbor of isolated ships (needs root): likewise; started anew without the wish, the ships that it will make count, not those that it has",
  async () => {
    vi.stubEnv("OCAPTAIN_HARBOR_NET", "isolated");
    const { url, token } = await ensureHarbor();
    vi.stubEnv("OCAPTAIN_HARBOR_NET", "");
    const hint = "npm run harbor -- --stop; unset OCAPTAIN_HARBOR_NET; or pulumi config set ocaptain:mesh tailscale";
    expect(await looks()).toEqual({ tailnet: [], none: finding(OWN, hint) });

    await caller(url, token).create("isolated");
    await stopHarbor();
    expect((await ensureHarbor()).captainAddress).toBeDefined();
    const stop = "as root: npm run harbor -- --stop; export OCAPTAIN_HARBOR_NET=isolated";
    expect(await looks()).toEqual({ tailnet: finding(SHARED, stop), none: [] });
  },
);
