import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Finding } from "../../cli/doctor/finding.ts";
import { ensureOwnNode, leaveOwnNode } from "../../dynamic-providers/shared/own-node.ts";
import { captainNodeHome } from "../../lib/base/paths.ts";
import { type PreflightArgs, preflight } from "../../lib/preflight/preflight.ts";
import { tailnetControl } from "../../lib/tailnet/control/control.ts";
import { CAPTAIN_TAG } from "../../lib/tailnet/control/types.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { ocaptain } from "../support/ocaptain.ts";
import { BUILD_MS, goParts } from "./go-parts.ts";
import { type Headscale, startHeadscale } from "./headscale.ts";
import { startNode } from "./node-here.ts";
import { HEADSCALE_HOST, noOwnNetwork, openNetwork } from "./own-network.ts";

/**
 * Tests of what `pulumi up` is refused for, and of what `ocaptain doctor` says, of the captain's place in the tailnet,
 * with real tailscaleds in the states that people meet.
 */
const STACK = "voyage-abc";
const VOYAGE = "3fa9c1";
const OWN = "pulumi config set ocaptain:captainNode own";
let folder: string;

beforeAll(() => goParts(), BUILD_MS);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ol-"));
  vi.stubEnv("OCAPTAIN_HOME", join(folder, "h"));
  vi.stubEnv("OCAPTAIN_VOYAGES", join(folder, "v"));
  vi.stubEnv("OCAPTAIN_TAILSCALE_SOCKET", join(folder, "nobody.sock"));
  return async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  };
});

/** Gives all that preflight finds wrong. The stack's name is always wrong, so that it always refuses. */
const refused = async (args: Partial<PreflightArgs>) => {
  const all = { stack: "Bad_Name", plan: "", provider: "harbor", unconfined: true, mesh: "tailscale", ...args } as const;
  return ((await preflight(all).catch((error: Error) => error)) as Error).message;
};
const doctor = async () => {
  const { findings } = JSON.parse((await ocaptain("doctor", "--json")).stdout) as { findings: Finding[] };
  return findings
    .filter(({ what }) => what.startsWith("tailscale"))
    .map(({ what, state, message, hint }) => ({ what, state, message, hint }));
};
/** Makes a voyage in a tailnet that is at sea. */
const afloat = async () =>
  writeVoyageIdentity({
    voyageId: VOYAGE,
    stack: STACK,
    captainId: await captainId(),
    nonce: "n",
    createdAt: "2026-01-01",
    control: "headscale",
  });

test("no tailscaled: preflight refuses, and names both ways out; with the second taken it does not look for one", async () => {
  expect(await refused({})).toContain(
    `\n  this machine's tailscale: this machine's node of the tailnet: no tailscaled answers here\n    hint: tailscale up  # or a node of the project's own: ${OWN} -s Bad_Name`,
  );
  const own = await refused({ captainNode: "own" });
  expect(own).toContain("stack: ");
  expect(own).not.toMatch(/tailscaled|this machine's tailscale/);
  expect(await refused({ mesh: "none" })).not.toMatch(/tailscale/);
});

test("a tailscaled that nobody has logged in: both say so", async () => {
  const node = await startNode();
  try {
    vi.stubEnv("OCAPTAIN_TAILSCALE_SOCKET", node.socket);
    await expect.poll(async () => (await node.cli.status())?.BackendState).toBe("NeedsLogin");
    expect(await refused({})).toContain(
      "tailscale: this machine's node of the tailnet: tailscaled is not logged in\n    hint: tailscale up  # or",
    );
    await afloat();
    expect(await doctor()).toEqual([
      {
        what: "tailscale",
        state: "wrong",
        message: `tailscaled is not logged in, and voyage ${STACK} needs it`,
        hint: `tailscale up  # or a node of the project's own: ${OWN} -s ${STACK}`,
      },
    ]);
  } finally {
    await node.close();
  }
});

const why = noOwnNetwork();
describe.skipIf(why !== null)(`in a tailnet ${why ? `(${why})` : ""}`, () => {
  let headscale: Headscale;
  beforeAll(async () => {
    await openNetwork();
    headscale = await startHeadscale({ host: HEADSCALE_HOST });
  });
  afterAll(() => headscale?.close());

  test("the machine's node: fine where it is in the voyage's tailnet; in another one, or stopped, it is not", async () => {
    const node = await startNode({ tun: true });
    const other = await startHeadscale({ host: HEADSCALE_HOST });
    try {
      const { key } = JSON.parse(await headscale.run("preauthkeys", "create", "--tags", CAPTAIN_TAG, "--output", "json"));
      await node.up(headscale.url, "captain", key);
      vi.stubEnv("OCAPTAIN_TAILSCALE_SOCKET", node.socket);
      const { ip_addresses } = (await headscale.cli("nodes", "list"))[0] as { ip_addresses: string[] };
      const address = ip_addresses.find((ip) => ip.includes("."));

      expect(await refused(headscale.config)).not.toMatch(/tailscale: /);
      const ok = { what: "tailscale", state: "ok", message: `${address}, by a kernel interface`, hint: "" };
      expect(await doctor()).toEqual([ok]);
      expect(await refused(other.config)).toContain(
        `this machine's tailscale: ${address} is in another tailnet than the ships will be, ${new URL(other.url).host}\n    hint: tailscale switch; or`,
      );

      await node.cli.run(["down"]);
      expect(await refused(headscale.config)).toContain("tailscaled is stopped (tailscale down)\n    hint: tailscale up  # or");
      const note = {
        ...ok,
        state: "note",
        message: "tailscaled is stopped (tailscale down); only voyages with ocaptain:mesh tailscale need one",
      };
      expect(await doctor()).toEqual([note]);
      await afloat();
      expect(await doctor()).toEqual([
        expect.objectContaining({ state: "wrong", message: expect.stringContaining(`voyage ${STACK} needs it`) }),
      ]);
    } finally {
      await node.close();
      await other.close();
    }
  });

  test("the project's own: doctor looks at it and no more at the machine's; killed, it is wrong, with up as the way out", async () => {
    const control = tailnetControl(headscale.config);
    await afloat();
    try {
      await ensureOwnNode(control, { stack: STACK, voyageId: VOYAGE });
      expect(await doctor()).toEqual([
        { what: "tailscale (own)", state: "ok", message: expect.stringMatching(/^100\.64\.0\.\d+, in userspace$/), hint: "" },
      ]);
      process.kill(Number(await readFile(join(captainNodeHome(), "pid"), "utf8")), "SIGKILL");
      const killed = {
        what: "tailscale (own)",
        state: "wrong",
        message: "no tailscaled answers here",
        hint: `pulumi up -s ${STACK}`,
      };
      await expect.poll(doctor).toEqual([killed]);
    } finally {
      await leaveOwnNode(control, VOYAGE);
    }
    expect(await doctor()).toEqual([expect.objectContaining({ what: "tailscale", state: "wrong" })]);
  });
});
