import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { environment } from "../../tools/environment.mjs";

const root = join(import.meta.dirname, "..", "..");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-t-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const templates = readdirSync(join(root, "stacks")).filter((file) => file.endsWith(".template.yaml"));

test("there is a template, and no template is bound to anybody's passphrase", () => {
  expect(templates.length).toBeGreaterThan(0);
  for (const template of templates)
    expect(readFileSync(join(root, "stacks", template), "utf8")).not.toMatch(/encryptionsalt|secure:/);
});

test.each(templates)("anyone can start a stack from %s, with a passphrase of their own, and keep secrets in it", (template) => {
  cpSync(join(root, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  mkdirSync(join(folder, "stacks"));
  mkdirSync(join(folder, "state"));
  cpSync(join(root, "stacks", template), join(folder, "stacks/Pulumi.mine.yaml"));
  const own = {
    PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
    PULUMI_HOME: join(folder, "home"),
    PULUMI_CONFIG_PASSPHRASE: "mine",
  };
  const env = { ...process.env, ...own, ...environment({ ...process.env, ...own }) };
  const pulumi = (...args: string[]) => {
    const run = spawnSync("pulumi", ["--non-interactive", ...args], { cwd: folder, env, encoding: "utf8", timeout: 30_000 });
    expect(run, `pulumi ${args.join(" ")}`).toMatchObject({ status: 0 });
    return run.stdout.trim();
  };
  pulumi("stack", "init", "mine");
  pulumi("config", "set", "--secret", "ocaptain:spritesToken", "s3cret");
  expect(pulumi("config", "get", "ocaptain:spritesToken")).toBe("s3cret");
  expect(pulumi("config", "get", "ocaptain:plan")).toBe("plans/survey");
  expect(readFileSync(join(folder, "stacks/Pulumi.mine.yaml"), "utf8")).not.toContain("s3cret");
});
