import { readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { Plan } from "../../lib/plan/types.ts";
import { type Check, runPreflight } from "../../lib/preflight/check.ts";
import { planAsks } from "../../lib/preflight/plan-asks.ts";
import { preflight } from "../../lib/preflight/preflight.ts";
import { listen, root, writePlan } from "./preflight-home.ts";

const finding = (what: string): Check => ({ what, look: async () => [{ what, message: "is wrong", hint: `mend ${what}` }] });

test("all findings come together, in the order of the checks, with their hints", async () => {
  const quiet: Check = { what: "fine", look: async () => [] };
  const thrown: Check = {
    what: "repository",
    look: async () => {
      throw new OcaptainError("REPO_UNREADABLE", "cannot be read", { hint: "git ls-remote" });
    },
  };
  await expect(runPreflight("voyage-abc", [finding("a"), quiet, thrown, finding("b")])).rejects.toMatchObject({
    code: "PREFLIGHT",
    message:
      "nothing was made or changed, because this cannot sail:\n  a: is wrong\n    hint: mend a\n  repository: cannot be read\n    hint: git ls-remote\n  b: is wrong\n    hint: mend b",
  });
  await runPreflight("voyage-abc", [quiet]);
});

test("a check that does not come back is a finding at its time, and delays no other", async () => {
  const never: Check = { what: "deaf", look: () => new Promise(() => {}) };
  await expect(runPreflight("voyage-abc", [never, finding("a")], 100)).rejects.toThrow(
    /deaf: no answer in 0.1 s[\s\S]*a: is wrong/,
  );
});

test("a voyage that can sail gets its plan and its number of ships, and nothing was made", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan, repo } = await writePlan();
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true } as const;
  expect(await preflight(args)).toMatchObject({ shipCount: 4, plan: { name: "try", repo, purpose: "Try it" } });
  expect(await preflight({ ...args, ships: 2 })).toMatchObject({ shipCount: 2 });
  expect((await readdir(root)).sort()).toEqual(["plan", "repo.git"]);
});

test("everything that is wrong is said at once", async () => {
  const port = await listen(createServer(), { port: 0, host: "127.0.0.1" });
  vi.stubEnv("OCAPTAIN_HELM_PORT", String(port));
  vi.stubEnv("OCAPTAIN_MIN_FREE_MIB", "999999999");
  vi.stubEnv("SPRITES_API_URL", "");
  vi.stubEnv("SPRITE_TOKEN", "");
  const { plan } = await writePlan();
  const args = { stack: "Bad_Name", plan, provider: "sprites", unconfined: false } as const;
  const broken = await preflight({ ...args, repo: join(root, "nowhere.git") }).catch((error: OcaptainError) => error);
  expect(broken).toMatchObject({ code: "PREFLIGHT" });
  for (const what of ["stack", "repository", "folder .*voyages", "folder .*home", `port ${port}`, "provider"])
    expect((broken as Error).message).toMatch(new RegExp(`^  ${what}: `, "m"));

  const field = { what: "ocaptain:plan", message: "is missing", hint: "" };
  const unread = { stack: "voyage-abc", plan: undefined, provider: undefined, unconfined: undefined };
  const configless = await preflight(unread, [field]).catch((error: OcaptainError) => error);
  expect((configless as Error).message).toContain("cannot sail:\n  ocaptain:plan: is missing\n  folder");

  await writeFile(join(plan, "spec.md"), "");
  await writeFile(join(plan, "tasks", "1.json"), "{");
  const planless = await preflight(args).catch((error: OcaptainError) => error);
  expect((planless as Error).message).toContain(
    `\n  ${plan}/spec.md: is empty\n  ${plan}/tasks/1.json: line 1, column 2: Expected`,
  );
  expect((planless as Error).message).not.toContain("repository");
});

test("with mesh tailscale the tailnet is looked at with all else, without it not", async () => {
  const { plan } = await writePlan();
  vi.stubEnv("OCAPTAIN_TAILSCALE_OAUTH_SECRET", "");
  vi.stubEnv("OCAPTAIN_HARBOR_NET", "");
  const args = { stack: "Bad_Name", plan, provider: "harbor", unconfined: true } as const;
  await expect(preflight({ ...args, mesh: "tailscale" })).rejects.toThrow(
    /stack: [\s\S]*harbor: its ships share this machine's network; [\s\S]*tailscaleOauthSecret: is missing/,
  );
  await expect(preflight({ ...args, mesh: "none" })).rejects.not.toThrow(/tailscale|harbor/);
  vi.stubEnv("OCAPTAIN_HARBOR_NET", "isolated");
  await expect(preflight({ ...args, mesh: "tailscale" })).rejects.not.toThrow(/harbor: /);
  await expect(preflight({ ...args, mesh: "none" })).rejects.toThrow(/harbor: its ships have networks of their own/);
});

test.each<[string, string[], NodeJS.ProcessEnv, RegExp | null]>([
  ["the API's own host", ["api.anthropic.com"], {}, null],
  ["all below its domain", ["*.anthropic.com"], {}, null],
  [
    "its domain is not its host",
    ["anthropic.com", "*.api.anthropic.com"],
    {},
    /does not allow api\.anthropic\.com,.*\|add "api\.anthropic\.com" to/,
  ],
  ["nothing", [], {}, /does not allow api\.anthropic\.com/],
  [
    "another gateway counts in its place",
    ["api.anthropic.com"],
    { ANTHROPIC_BASE_URL: "https://Gate.example.com/v1" },
    /does not allow gate\.example\.com/,
  ],
  ["another gateway", ["gate.example.com"], { ANTHROPIC_BASE_URL: "https://gate.example.com/v1" }, null],
  [
    "a gateway by address",
    ["gate.example.com"],
    { ANTHROPIC_BASE_URL: "http://10.1.2.3:80" },
    /cannot allow 10\.1\.2\.3, .*names only/,
  ],
  ["a gateway that is no URL", ["gate.example.com"], { ANTHROPIC_BASE_URL: "gate" }, /ANTHROPIC_BASE_URL, which is no URL/],
  ["the ship's own loopback", [], { ANTHROPIC_BASE_URL: "http://127.0.0.1:8080" }, null],
  ["the ship's own loopback, IPv6", [], { ANTHROPIC_BASE_URL: "http://[::1]:8080" }, null],
])("a network for the hand claude: %s", (_what, allow, env, found) => {
  const plan = { network: { allow } } as Plan;
  const findings = planAsks("plans/p", plan, { hand: "claude", mesh: "none" }, env);
  expect(findings.map(({ message, hint }) => `${message}|${hint}`)).toEqual(found ? [expect.stringMatching(found)] : []);
  if (found) expect(findings[0]?.what).toBe("plans/p/voyage.json network.allow");
  expect(planAsks("plans/p", plan, { hand: "rehearsal" }, env)).toEqual([]);
});

test("what a plan asks of the captain is said with all else: a network on a tailnet, GH_TOKEN that is not there", async () => {
  const { plan, repo } = await writePlan();
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "try", repo, network: { allow: [] }, github: true }));
  vi.stubEnv("GH_TOKEN", "");
  vi.stubEnv("ANTHROPIC_BASE_URL", "");
  const args = { stack: "Bad_Name", plan, provider: "harbor", unconfined: true, mesh: "tailscale" } as const;
  const told = async (more: object) => ((await preflight({ ...args, ...more }).catch((error: Error) => error)) as Error).message;
  expect(await told({ hand: "claude" })).toMatch(
    /stack: [\s\S]*voyage\.json network: does not go with ocaptain:mesh tailscale: [\s\S]*network\.allow: does not allow[\s\S]*voyage\.json github: asks for GH_TOKEN on the ships, and it is not set\n {4}hint: write GH_TOKEN=… into the file \.env/,
  );
  vi.stubEnv("GH_TOKEN", "ghp_x");
  const rest = await told({ hand: "claude", mesh: "none" });
  expect(rest).not.toContain("GH_TOKEN");
  expect(rest).not.toContain("ocaptain:mesh");
  vi.stubEnv("GH_TOKEN", "");
  expect(await told({ hand: "rehearsal", mesh: "none" })).not.toContain("voyage.json");
});
