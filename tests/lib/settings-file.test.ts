import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { projectSettingsFile, settingIn } from "../../lib/voyage/settings-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "osf-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each([
  ["stackConfigDir: stacks # beside the program", "stacks"],
  ["{name: ocaptain, runtime: nodejs, stackConfigDir: 'my stacks'}", "my stacks"],
  ["name: ocaptain", ""],
  ["name: [broken", ""],
])("a project's file says in any form of YAML where its stacks' settings are: %s", async (text, at) => {
  await writeFile(join(folder, "Pulumi.yaml"), text);
  expect(projectSettingsFile(folder, "sea")).toBe(join(folder, at, "Pulumi.sea.yaml"));
});

test("a setting is its text, however it is quoted; a secret, and one that is not set, is none", async () => {
  const file = join(folder, "Pulumi.sea.yaml");
  expect(settingIn(file, "plan")).toBeNull();
  const lines = [
    `  ocaptain:plan: "./it's # here"`,
    "  'ocaptain:ships': 02",
    "  ocaptain:token:",
    "    secure: v1:abc",
    "  other:repo: x",
  ];
  await writeFile(file, ["config:", ...lines, ""].join("\n"));
  const keys = ["plan", "ships", "token", "repo"];
  expect(keys.map((key) => settingIn(file, key))).toEqual(["./it's # here", "02", "", ""]);
});
