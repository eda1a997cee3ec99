import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkoutCopy } from "./checkout-copy.ts";

let folder: string;
/**
 * Makes a copy of the checkout whose only part of set-up is the system's packages, and a folder for PATH that holds
 * what a test puts into it.
 */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-p-"));
  for (const name of ["bin", "store"]) mkdirSync(join(folder, name));
  checkoutCopy(
    join(folder, "checkout"),
    `import process from "node:process";
if (process.env.FAKE_UID) process.getuid = () => Number(process.env.FAKE_UID);
const { system } = await import("./system.mjs");
export const parts = [system];
export const onDemand = [];
`,
  );
  program("git", "echo git version 2.45.1");
  program("ip", "echo ip utility, iproute2-6.1.0, libbpf 1.1.2");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, script: string, at = "bin"): void {
  writeFileSync(join(folder, at, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** A stand-in for apt-get, which writes down its arguments and then runs the script `install`. */
const aptGet = (install: string) => program("apt-get", `echo "$*" >>"$BIN/../asked"\n${install}`);

function setUp(uid: number) {
  return spawnSync(process.execPath, [join(folder, "checkout/tools/setup.mjs")], {
    encoding: "utf8",
    env: {
      OCAPTAIN_TOOLS: join(folder, "shared"),
      PATH: join(folder, "bin"),
      FAKE_UID: String(uid),
      BIN: join(folder, "bin"),
      STORE: join(folder, "store"),
    },
  });
}
const asked = () => (existsSync(join(folder, "asked")) ? readFileSync(join(folder, "asked"), "utf8").trim().split("\n") : []);

describe.runIf(process.platform === "linux")("the system's packages", () => {
  beforeEach(() => symlinkSync("/bin/mv", join(folder, "bin", "mv")));

  test("root gets what is missing, by the package manager, and a table of what is there", () => {
    program("tmux", "echo tmux 3.4", "store");
    program("bwrap", "echo bubblewrap 0.9.0", "store");
    aptGet('mv "$STORE"/tmux "$BIN"/tmux; mv "$STORE"/bwrap "$BIN"/bwrap');
    const done = setUp(0);
    expect(done, done.stderr).toMatchObject({ status: 0, stdout: "" });
    expect(asked()).toEqual(["install --yes --no-install-recommends tmux bubblewrap"]);
    for (const row of [
      /git +2\.45\.1 +system \(.*bin\/git\)/,
      /tmux +3\.4 +system/,
      /bubblewrap +0\.9\.0 +system/,
      /iproute2 +6\.1\.0/,
    ])
      expect(done.stderr).toMatch(row);
    expect(setUp(0)).toMatchObject({ status: 0 });
    expect(asked()).toHaveLength(1);
  });

  test("lists that are too old are refreshed once, and then it is tried again", () => {
    program("tmux", "echo tmux 3.4");
    program("bwrap", "echo bubblewrap 0.9.0", "store");
    aptGet(
      'case "$1" in update) : >"$BIN/../fresh" ;; *) [ -e "$BIN/../fresh" ] || exit 100; mv "$STORE"/bwrap "$BIN"/bwrap ;; esac',
    );
    expect(setUp(0)).toMatchObject({ status: 0 });
    expect(asked().map((line) => line.split(" ")[0])).toEqual(["install", "update", "install"]);
  });

  test("for another user all that is missing is named in one line, with the command to type, and nothing is installed", () => {
    program("tmux", "echo tmux 2.9");
    aptGet("exit 1");
    rmSync(join(folder, "bin", "ip")); // Networks of their own take root.
    const done = setUp(1000);
    expect(done).toMatchObject({ status: 1, stdout: "" });
    expect(done.stderr).toContain(
      "\nset-up: missing on this machine: tmux, bubblewrap. Type: sudo apt-get install -y tmux bubblewrap\n",
    );
    expect(asked()).toEqual([]);
  });

  test("root, when the package manager fails, is told the same", () => {
    aptGet("echo no network >&2; exit 100");
    const done = setUp(0);
    expect(done.status).toBe(1);
    expect(done.stderr).toContain("missing on this machine: tmux, bubblewrap. Type: apt-get install -y tmux bubblewrap\n");
  });

  test("what a killed set-up left is removed; a program that is exchanged is looked at again", () => {
    program("tmux", "echo tmux 3.4");
    program("bwrap", "echo bubblewrap 0.9.0");
    const tools = join(folder, "shared");
    mkdirSync(join(tools, "tmp-pulumi-abc", "half"), { recursive: true });
    expect(setUp(1000)).toMatchObject({ status: 0 });
    expect(readdirSync(tools)).toEqual([expect.stringMatching(/^system-/)]);
    program("tmux", "echo tmux 3.55 # newer");
    expect(setUp(1000).stderr).toMatch(/tmux +3\.55 /);
  });
});
