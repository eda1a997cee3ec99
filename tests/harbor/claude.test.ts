import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { ensureHarbor, knownHarbor } from "../../lib/daemons/harbor.ts";
import { claudeCheck } from "../../lib/preflight/claude.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { ownHarborHome, temporaryFolder } from "./fixture.ts";

/**
 * Tests of what a harbor gives its ships as `claude`: here a stand-in that says who it is, laid out as installers do.
 */
let folder: string;
const PATH = process.env.PATH ?? "";
beforeEach(() => {
  ownHarborHome();
  folder = temporaryFolder();
  vi.stubEnv("OCAPTAIN_HARBOR_TOOLS", "");
  // This hides whatever this machine has of Claude Code.
  vi.stubEnv(
    "PATH",
    PATH.split(delimiter)
      .filter((name) => !name.includes("claude"))
      .join(delimiter),
  );
});

function script(path: string, text: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/**
 * Lays out a global install by npm: a link in `bin` to a package that starts its platform's package beside it. Gives
 * the folder for a PATH.
 */
function npmLayout(): string {
  const modules = join(folder, "lib/node_modules/@anthropic-ai");
  script(join(modules, "claude-code-linux-x64/claude"), "#!/bin/sh\necho '9.8.7 (by npm)'\n");
  const start = `#!/usr/bin/env node
    const { join } = require("node:path");
    require("node:child_process").execFileSync(join(__dirname, "../claude-code-linux-x64/claude"), { stdio: "inherit" });`;
  script(join(modules, "claude-code/cli.js"), start);
  mkdirSync(join(folder, "bin"));
  symlinkSync("../lib/node_modules/@anthropic-ai/claude-code/cli.js", join(folder, "bin/claude"));
  return join(folder, "bin");
}

/** Lays out what the vendor's own installer makes: a link to one file among its versions. */
function nativeLayout(): string {
  script(join(folder, "share/claude/versions/9.8.6"), "#!/bin/sh\necho '9.8.6 (native)'\n");
  mkdirSync(join(folder, "local"));
  symlinkSync(join(folder, "share/claude/versions/9.8.6"), join(folder, "local/claude"));
  return join(folder, "local");
}

const onPath = (bin: string) => vi.stubEnv("PATH", `${bin}${delimiter}${process.env.PATH}`);
const onShip = async (name: string) => {
  const sprites = await openSprites({ kind: "harbor", unconfined: false });
  await sprites.create(name, []);
  const { stdout, stderr } = await sprites.exec(name, ["claude", "--version"]);
  return (stdout + stderr).trim();
};

describe.each([
  ["by npm", npmLayout, "9.8.7 (by npm)"],
  ["by the vendor's installer", nativeLayout, "9.8.6 (native)"],
])("installed %s", (_how, layout, version) => {
  test("on the captain's PATH: ships have it, with no setting at all, and preflight has tried it", async () => {
    onPath(layout());
    expect(await claudeCheck(false).look()).toEqual([]);
    expect(await onShip("has-claude")).toBe(version);
  });

  test("in the folder that OCAPTAIN_HARBOR_TOOLS names, as a link that leads out of it: the same", async () => {
    vi.stubEnv("OCAPTAIN_HARBOR_TOOLS", layout());
    expect(await claudeCheck(false).look()).toEqual([]);
    expect(await onShip("has-claude")).toBe(version);
  });
});

test("nowhere: preflight says where it is looked for", async () => {
  expect(await claudeCheck(false).look()).toEqual([
    { what: "claude", message: expect.stringContaining("PATH"), hint: expect.stringContaining("OCAPTAIN_HARBOR_TOOLS") },
  ]);
});

test("there, and it does not start on a ship: preflight says so, in its own words", async () => {
  script(join(folder, "bin/claude"), `#!/bin/sh\nexec "${folder}/elsewhere"\n`);
  script(join(folder, "elsewhere"), "#!/bin/sh\necho fine here\n");
  onPath(join(folder, "bin"));
  expect(await claudeCheck(false).look()).toMatchObject([
    { message: expect.stringMatching(/does not start on a ship: .*elsewhere/) },
  ]);
});

test("a harbor that runs with another one: exchanged for the next ship while it has none, else preflight says so", async () => {
  await ensureHarbor();
  const before = knownHarbor()?.pid;
  onPath(nativeLayout());
  expect(await claudeCheck(false).look()).toEqual([]);
  expect(await onShip("first")).toBe("9.8.6 (native)");
  expect(knownHarbor()?.pid).not.toBe(before);
  vi.stubEnv("OCAPTAIN_HARBOR_TOOLS", npmLayout());
  expect(await claudeCheck(false).look()).toMatchObject([
    { what: "harbor", message: expect.stringContaining(join(folder, "local/claude")), hint: expect.stringContaining("--stop") },
  ]);
});
