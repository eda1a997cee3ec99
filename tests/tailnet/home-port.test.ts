import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";
import { startStandInPolicy } from "../support/stand-in-policy.ts";

/**
 * Tests of home-port by the real engine. The service's policy and the plugin of @pulumi/tailscale are stand-ins,
 * because neither can be had here.
 */
const ROOT = resolve(import.meta.dirname, "../..");
const OTHERS = `// who: group:eng
{
  "groups": {"group:eng": ["a@example.com"]}, /* all of them */
  "grants": [{"src": ["group:eng"], "dst": ["tag:web"], "ip": ["443"]}],
}
`;

let folder: string;
let api: Awaited<ReturnType<typeof startStandInPolicy>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ohp-"));
  api = await startStandInPolicy(OTHERS);
  await pulumi("stack", "init", "tailnet");
  await pulumi("config", "set", "home-port:captains", "you@example.com,group:eng");
});
afterEach(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

async function pulumi(...args: string[]): Promise<string> {
  const env = {
    ...pulumiEnvironment(folder),
    PATH: `${join(import.meta.dirname, "stand-in-plugin")}:${process.env.PATH}`,
    TAILSCALE_BASE_URL: api.url,
    TAILSCALE_OAUTH_CLIENT_SECRET: api.secret,
  };
  const config = ["up", "preview", "destroy", "config"].includes(args[0]!)
    ? ["--config-file", join(folder, "Pulumi.tailnet.yaml"), "-s", "tailnet"]
    : [];
  const run = await execa(
    "pulumi",
    [...args, ...config, "--non-interactive", "--color", "never", "--cwd", join(ROOT, "tailnet-policy")],
    {
      env,
      all: true,
      timeout: 60_000,
      reject: false,
    },
  );
  await rm(join(ROOT, "tailnet-policy", "Pulumi.tailnet.yaml"), { force: true });
  if (run.exitCode !== 0) throw new Error(String(run.all));
  return String(run.all);
}
const up = (...args: string[]) => pulumi("up", "--yes", "--skip-preview", ...args);

test("preview shows the lines that come and writes nothing; up writes them; again it changes nothing; destroy gives every byte back", async () => {
  const preview = await pulumi("preview");
  expect(preview).toContain(
    '+ {"src": ["tag:ocaptain-ship"], "dst": ["you@example.com", "group:eng", "tag:ocaptain-captain"], "ip": ["tcp:4318"]},',
  );
  expect(api.state.policy).toBe(OTHERS);
  await up();
  expect(api.state.policy).toContain("tag:ocaptain-ship");
  const written = api.state.policy;
  await up("--expect-no-changes");
  expect(api.state.policy).toBe(written);

  // Others go on with their rules, and the captains change too.
  api.state.policy = api.state.policy.replace('"ip": ["443"]', '"ip": ["443", "80"]');
  await pulumi("config", "set", "home-port:captains", "you@example.com");
  await up();
  expect(api.state.policy).toContain('"ip": ["443", "80"]');
  expect(api.state.policy).not.toContain('"dst": ["you@example.com", "group:eng"');

  const kept = api.state.policy;
  await expect(pulumi("destroy", "--yes", "--skip-preview")).rejects.toThrow(/run-program/);
  expect(api.state.policy).toBe(kept);
  await pulumi("destroy", "--yes", "--skip-preview", "--run-program");
  expect(api.state.policy).toBe(OTHERS.replace('"ip": ["443"]', '"ip": ["443", "80"]'));
});

test("what is in the way is said, and nothing is written: the allow-all of a new tailnet, a rule of ours changed by hand", async () => {
  const before = OTHERS.replace('"src": ["group:eng"]', '"src": ["*"]');
  api.state.policy = before;
  await expect(up()).rejects.toThrow(/left as it is:\s+grants\[0\] is for "\*", so ships reach more/);
  expect(api.state.policy).toBe(before);
  api.state.policy = OTHERS;
  await up();
  const changed = api.state.policy.replace("tcp:4318", "tcp:*");
  api.state.policy = changed;
  await expect(up()).rejects.toThrow(/changed by hand/);
  expect(api.state.policy).toBe(changed);
});

test("somebody saves another policy between the reading and the writing: it is not written over", async () => {
  const theirs = OTHERS.replace("443", "8443");
  let reads = 0;
  api.state.onRead = () => {
    if (++reads === 2) api.state.policy = theirs; // The first reading is the program's.
  };
  await expect(up()).rejects.toThrow(/changed meanwhile/);
  expect(api.state.policy).toBe(theirs);
  api.state.onRead = () => {};
  await up();
  expect(api.state.policy).toContain("8443");
});

test("a client without the scope, and no client: said with the scope's name, and how to make one", async () => {
  api.state.scope = "auth_keys devices:core";
  await expect(up()).rejects.toThrow(/lacks the scope policy_file/);
  await pulumi("config", "set", "home-port:captains", "you");
  await expect(up()).rejects.toThrow(/"you" is neither a user/);
});
