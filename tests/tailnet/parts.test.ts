import { createHash } from "node:crypto";
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { captainArch, tailscaleParts } from "../../lib/tailnet/parts.ts";
import { BUILD_MS, goParts } from "./go-parts.ts";

const PART = `tailscale-${captainArch()}`;
let real: Awaited<ReturnType<typeof goParts>>;
beforeAll(async () => {
  real = await goParts();
}, BUILD_MS);

/** A checkout with set-up alone in it. */
let checkout: string;
beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), "oc-s-"));
  await cp(join(import.meta.dirname, "../../tools"), join(checkout, "tools"), { recursive: true });
});
afterEach(() => rm(checkout, { recursive: true, force: true }));

/** With these folders as its PATH: without Go, unless it is in one. */
const setUp = (path: string[]) =>
  execa(process.execPath, [join(checkout, "tools/setup.mjs"), PART], {
    env: { PATH: path.join(":") },
    extendEnv: false,
    reject: false,
    all: true,
    timeout: 60_000,
  });
const sha256 = async (file: string) =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

test("what is in this checkout: of the pinned release, with the digests that its stamp says", async () => {
  const { version, tailscale, tailscaled } = await tailscaleParts(captainArch());
  for (const { path, sha256: said } of [tailscale, tailscaled]) {
    expect(await sha256(path)).toBe(said);
    expect((await execa(path, ["--version"])).stdout.split("\n")[0]).toBe(version);
  }
});

test("the very release on PATH is taken, once; two set-ups at once share one making", async () => {
  const ends = await Promise.all([setUp([real.folder]), setUp([real.folder])]);
  for (const end of ends) expect(end).toMatchObject({ exitCode: 0, all: expect.stringContaining(`system (${real.folder}`) });
  expect(ends.filter((end) => /ready after/.test(String(end.all)))).toHaveLength(1);
  const parts = await tailscaleParts(captainArch(), join(checkout, ".tools"));
  expect(parts.tailscaled.path).toBe(join(checkout, ".tools", PART, "tailscaled"));
  expect(await sha256(parts.tailscaled.path)).toBe(parts.tailscaled.sha256);
});

test("a script on PATH that says the right version is no static program: not taken", async () => {
  const impostors = join(checkout, "bin");
  await cp(real.folder, impostors, { recursive: true });
  await writeFile(join(impostors, "tailscaled"), `#!/bin/sh\necho 1.94.1\n`);
  await chmod(join(impostors, "tailscaled"), 0o755);
  // Downloads are out of reach: nothing listens there (the preload stands for a closed network).
  await writeFile(join(checkout, "closed.mjs"), "globalThis.fetch = async () => { throw new Error('closed network'); };");
  const end = await execa(process.execPath, ["--import", join(checkout, "closed.mjs"), join(checkout, "tools/setup.mjs"), PART], {
    env: { PATH: impostors },
    extendEnv: false,
    reject: false,
    all: true,
  });
  expect(end.exitCode).toBe(1);
  expect(end.all).toMatch(/cannot be had from pkgs\.tailscale\.com, and there is no Go to build it: install Go/);
  await expect(tailscaleParts(captainArch(), join(checkout, ".tools"))).rejects.toThrow(/is not there/);
});

test("a program that is gone, or another by now, is made anew", async () => {
  await setUp([real.folder]);
  const made = join(checkout, ".tools", PART, "tailscale");
  await rm(made);
  await symlink("/bin/true", made);
  expect(await setUp([real.folder])).toMatchObject({ exitCode: 0, all: expect.stringContaining("ready after") });
  expect(await sha256(made)).toBe(await sha256(join(real.folder, "tailscale")));
});
