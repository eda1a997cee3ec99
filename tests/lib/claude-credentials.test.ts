import { expect, test } from "vitest";
import { claudeCredentials, credentialsDigest } from "../../lib/ship/credentials.ts";

const env = { ANTHROPIC_API_KEY: "sk-ant-api03-k", GH_TOKEN: "ghp_one\n", ANTHROPIC_BASE_URL: "https://gate.example.com" };

test("GH_TOKEN goes along only where it is asked for, is one line, and is in the digest", () => {
  const without = claudeCredentials(undefined, { env })!;
  expect(without).toBe("ANTHROPIC_API_KEY=sk-ant-api03-k\nANTHROPIC_BASE_URL=https://gate.example.com\n");
  const asked = claudeCredentials(undefined, { github: true, env })!;
  expect(asked).toBe(`${without}GH_TOKEN=ghp_one\n`);
  const other = claudeCredentials(undefined, { github: true, env: { ...env, GH_TOKEN: "ghp_two" } })!;
  expect(new Set([without, asked, other].map(credentialsDigest)).size).toBe(3);
  expect(claudeCredentials("sk-ant-oat01-t", { env: {} })).toBe("CLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-t\n");
});

test("GH_TOKEN alone is no credentials", () => {
  expect(claudeCredentials(undefined, { github: true, env: { GH_TOKEN: "ghp_one" } })).toBeNull();
});
