import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { BIN, ocaptain } from "../support/ocaptain.ts";

const sh = async (script: string) =>
  (await promisify(execFile)("/bin/sh", ["-c", script], { env: { PATH: "/usr/bin:/bin", HOME: "/nowhere" } })).stdout;

test("a shell that evaluates what `ocaptain env` prints finds ocaptain, and gets nothing that Pulumi reads", async () => {
  const printed = await ocaptain("env");
  expect(printed).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await sh(`${printed.stdout}\ncommand -v ocaptain`)).toBe(`${BIN}\n`);
  expect(printed.stdout).not.toMatch(/^export PULUMI/m);
  const { PATH, ...rest } = JSON.parse((await ocaptain("env", "--json")).stdout);
  expect(PATH.split(":")[0]).toBe(dirname(BIN));
  expect(Object.keys(rest)).toEqual(["OCAPTAIN_TOOLS"]);
  expect((await ocaptain("env", "--shell", "fish")).stdout).toMatch(/^set -gx PATH '[^']*\/bin' '/);
});

test("slips: a shell without lines, a part that there is not", async () => {
  const shell = await ocaptain("env", "--shell", "tcsh");
  expect(shell).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringContaining('no lines for the shell "tcsh"') });
  const part = await ocaptain("setup", "rowboat", "--json");
  expect(part).toMatchObject({ exitCode: 2, stdout: "" });
  expect(JSON.parse(part.stderr)).toMatchObject({
    error: "USAGE",
    message: expect.stringMatching(/no part is called rowboat; there are system, node, .*tailscale-amd64/),
  });
});
