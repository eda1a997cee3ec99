import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { lookAtCaptainNode } from "../../cli/doctor/captain-node.ts";
import { lookAtTailnet } from "../../cli/doctor/tailnet.ts";
import { findLeftovers } from "../../cli/leftovers/find.ts";
import { captainNodeHome, tailnetSshHome } from "../../lib/base/paths.ts";
import { mergePolicy } from "../../lib/tailnet/policy/policy.ts";
import { policyRules } from "../../lib/tailnet/policy/policy-rules.ts";
import { ocaptain } from "../support/ocaptain.ts";
import { startStandInPolicy } from "../support/stand-in-policy.ts";

let api: Awaited<ReturnType<typeof startStandInPolicy>>;
beforeEach(async () => {
  api = await startStandInPolicy();
});
afterEach(() => api.close());

const env = () => ({ TAILSCALE_BASE_URL: api.url, TAILSCALE_OAUTH_CLIENT_SECRET: api.secret });

test("a tailnet as it was made: open to ships, and what is missing is there to paste, which makes it well", async () => {
  const [open, lacks, ...rest] = await lookAtTailnet(env());
  expect(rest).toEqual([]);
  expect(open).toMatchObject({ area: "tailnet", state: "wrong", message: expect.stringMatching(/grants\[0\] is for "\*"/) });
  const piece = lacks?.hint.split("\n").slice(1).join("\n") ?? "";
  for (const section of ["tagOwners", "grants", "ssh"]) expect(piece).toContain(`"${section}": `);
  api.state.policy = `{${piece}}`;
  expect(await lookAtTailnet(env())).toEqual([expect.objectContaining({ state: "ok" })]);
});

test("as home-port wrote it, and with one rule taken out", async () => {
  const merged = mergePolicy("{}", policyRules("tailscale", ["you@example.com"]));
  if ("refused" in merged) throw new Error(merged.refused.join());
  api.state.policy = merged.text;
  expect(await lookAtTailnet(env())).toEqual([expect.objectContaining({ state: "ok" })]);
  api.state.policy = merged.text.replace("tcp:4318", "tcp:1");
  expect(await lookAtTailnet(env())).toEqual([
    expect.objectContaining({ state: "wrong", hint: expect.stringMatching(/"grants": [\s\S]*"tcp:4318"/) }),
  ]);
});

test("a client that may not read it is a note that names the scope; a secret of another kind is wrong; without a secret nothing is asked", async () => {
  api.state.scope = "auth_keys devices:core";
  expect(await lookAtTailnet(env())).toEqual([
    expect.objectContaining({ state: "note", message: expect.stringMatching(/lacks the scope policy_file/) }),
  ]);
  expect(await lookAtTailnet({ ...env(), TAILSCALE_OAUTH_CLIENT_SECRET: "tskey-auth-x" })).toEqual([
    expect.objectContaining({ state: "wrong" }),
  ]);
  expect(await lookAtTailnet({ HEADSCALE_URL: "http://127.0.0.1:1" })).toEqual([expect.objectContaining({ state: "wrong" })]);
  const calls = api.state.calls.length;
  expect(await lookAtTailnet({})).toEqual([
    expect.objectContaining({ state: "note", message: expect.stringMatching(/^not looked at/), hint: "" }),
  ]);
  expect(api.state.calls).toHaveLength(calls);
});

test("ocaptain doctor prints it, the piece line by line, and no secret", async () => {
  Object.assign(process.env, env());
  try {
    const { stdout } = await ocaptain("doctor");
    expect(stdout).toMatch(/tailnet\n.*policy at 127\.0\.0\.1.*grants\[0\]/);
    expect(stdout).toMatch(/hint: sail home-port once.*\n\s+"tagOwners": \{/);
    expect(stdout).not.toContain(api.secret);
  } finally {
    for (const name of Object.keys(env())) delete process.env[name];
  }
});

/**
 * This test has no tailscaled, even where the machine has one. What doctor says of a running one is tested in
 * tests/tailnet/looks.test.ts.
 */
test("no tailscaled: a note that asks for nothing, as no voyage needs one; wrong when a voyage needs it; what sank, or has no tailnet, needs none", async () => {
  await noTailscaled();
  const voyage = { voyageId: "3fa9c1", stack: "voyage-abc", captainId: "0123456789ab", nonce: "n", createdAt: "2026-01-01" };
  const control = "headscale" as const;
  const note = {
    area: "daemons",
    what: "tailscale",
    state: "note",
    message: "no tailscaled answers here; only voyages with ocaptain:mesh tailscale need one",
    hint: "",
  };
  expect(await lookAtCaptainNode([])).toEqual([note]);
  expect(await lookAtCaptainNode([voyage, { ...voyage, control, sunkAt: "2026-01-02" }])).toEqual([note]);
  expect(await lookAtCaptainNode([{ ...voyage, control }])).toEqual([
    {
      ...note,
      state: "wrong",
      message: "no tailscaled answers here, and voyage voyage-abc needs it",
      hint: "tailscale up  # or a node of the project's own: pulumi config set ocaptain:captainNode own -s voyage-abc",
    },
  ]);
});

test("the captain's own node that does not run is wrong, and the machine's needed by nobody; left of a voyage that is gone: named, with what removes it", async () => {
  await noTailscaled();
  const voyage = { voyageId: "3fa9c1", stack: "voyage-abc", captainId: "0123456789ab", nonce: "n", createdAt: "2026-01-01" };
  const users = join(captainNodeHome(), "users");
  await mkdir(users, { recursive: true });
  await writeFile(join(users, voyage.voyageId), "");
  await mkdir(tailnetSshHome(voyage.voyageId), { recursive: true });
  const own = { area: "daemons", what: "tailscale (own)", state: "wrong", message: "no tailscaled answers here" };
  expect(await lookAtCaptainNode([{ ...voyage, control: "headscale" }])).toEqual([{ ...own, hint: "pulumi up -s voyage-abc" }]);

  const other = { ...voyage, voyageId: "0b0b0b", stack: "voyage-def", control: "headscale" as const };
  expect(await lookAtCaptainNode([other])).toMatchObject([
    own,
    { what: "tailscale", state: "wrong", message: expect.stringContaining("voyage voyage-def needs it") },
  ]);
  const { left } = await findLeftovers({ isNear: true });
  expect(left).toMatchObject([{ name: "tailscaled for 3fa9c1" }, { name: tailnetSshHome("3fa9c1"), kept: null }]);
});

async function noTailscaled(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "on-"));
  vi.stubEnv("OCAPTAIN_HOME", folder);
  vi.stubEnv("OCAPTAIN_TAILSCALE_SOCKET", join(folder, "nobody.sock"));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });
}
