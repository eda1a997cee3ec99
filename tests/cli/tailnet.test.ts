import { afterEach, beforeEach, expect, test } from "vitest";
import { lookAtTailnet } from "../../cli/doctor/tailnet.ts";
import { mergePolicy } from "../../lib/tailnet/policy.ts";
import { policyRules } from "../../lib/tailnet/policy-rules.ts";
import { startStandInPolicy } from "../fixtures/stand-in-policy.ts";
import { ocaptain } from "./fleet.ts";

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
  expect(await lookAtTailnet({})).toEqual([]);
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
