import { createHash } from "node:crypto";
import { chmod, cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { captainArch, tailscaleParts } from "../../lib/tailnet/node/parts.ts";
import { ROOTS } from "../../tools/setup/signature.mjs";
import signed from "../fixtures/tailscale-signed.json" with { type: "json" };
import { BUILD_MS, goParts } from "./go-parts.ts";

const PART = `tailscale-${captainArch()}`;
const FOLDER = `tailscale-1.94.1-linux-${captainArch()}`;
let real: Awaited<ReturnType<typeof goParts>>;
beforeAll(async () => {
  real = await goParts();
}, BUILD_MS);

/** A folder with set-up alone in it, which keeps its tools in `shared`. */
let checkout: string;
beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), "oc-s-"));
  await cp(join(import.meta.dirname, "../../tools"), join(checkout, "tools"), { recursive: true });
});
afterEach(() => rm(checkout, { recursive: true, force: true }));

/** Runs set-up with these folders as its PATH, so without Go, unless it is in one of them. */
const setUp = (path: string[]) =>
  execa(process.execPath, [join(checkout, "tools/setup.mjs"), PART], {
    env: { PATH: path.join(":"), OCAPTAIN_TOOLS: join(checkout, "shared") },
    extendEnv: false,
    reject: false,
    all: true,
    timeout: 60_000,
  });
/** Does the same with `fetch` replaced by this code, since tests do not ask the vendor's server. */
const setUpWith = async (fetch: string, path: string[]) => {
  await writeFile(join(checkout, "preload.mjs"), `globalThis.fetch = ${fetch};`);
  return execa(process.execPath, ["--import", join(checkout, "preload.mjs"), join(checkout, "tools/setup.mjs"), PART], {
    env: { PATH: path.join(":"), OCAPTAIN_TOOLS: join(checkout, "shared") },
    extendEnv: false,
    reject: false,
    all: true,
    timeout: 60_000,
  });
};
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
  const parts = await tailscaleParts(captainArch(), join(checkout, "shared"));
  expect(parts.tailscaled.path).toBe(join(checkout, "shared", FOLDER, "tailscaled"));
  expect(await sha256(parts.tailscaled.path)).toBe(parts.tailscaled.sha256);
});

test("a script on PATH that says the right version is no static program: not taken", async () => {
  const impostors = join(checkout, "bin");
  await cp(real.folder, impostors, { recursive: true });
  await writeFile(join(impostors, "tailscaled"), `#!/bin/sh\necho 1.94.1\n`);
  await chmod(join(impostors, "tailscaled"), 0o755);
  const end = await setUpWith("async () => { throw new Error('closed network'); }", [impostors]);
  expect(end.exitCode).toBe(1);
  // Where this machine has Go, it is built, and that ends without a network.
  expect(end.all).toContain("cannot be had from pkgs.tailscale.com (closed network)");
  await expect(tailscaleParts(captainArch(), join(checkout, "shared"))).rejects.toThrow(/is not there/);
});

test("a release that is as its server says, and is not signed by the vendor, is not taken", async () => {
  const archive = `tailscale_1.94.1_${captainArch()}.tgz`;
  const says = {
    [`/stable/${archive}`]: "other programs",
    [`/stable/${archive}.sha256`]: createHash("sha256").update("other programs").digest("hex"),
    [`/stable/${archive}.sig`]: "s".repeat(64),
    "/distsign.pub": signed.keys,
    "/distsign.pub.sig": "s".repeat(64),
  };
  const end = await setUpWith(`async (url) => new Response(${JSON.stringify(says)}[new URL(url).pathname])`, [checkout]);
  expect(end.exitCode).toBe(1);
  expect(end.all).toMatch(
    /cannot be had from \S+ \(https:\/\/pkgs\.tailscale\.com\/distsign\.pub is signed by no root key of Tailscale's: not used\)/,
  );
  await expect(tailscaleParts(captainArch(), join(checkout, "shared"))).rejects.toThrow(/is not there/);
});

test("the root keys are those of the vendor's own update, as go.sum pins it", async ({ skip }) => {
  const cwd = join(import.meta.dirname, "../../tools/go/tailnet");
  const list = await execa("go", ["list", "-m", "-f", "{{.Dir}}", "tailscale.com"], { cwd, reject: false });
  if (!list.stdout) return skip("the Go module is not on this machine");
  const roots = join(list.stdout, "clientupdate/distsign/roots");
  const keys = await Promise.all((await readdir(roots)).map((name) => readFile(join(roots, name), "utf8")));
  expect(ROOTS.split(/(?<=-----END ROOT PUBLIC KEY-----\n)/).sort()).toEqual(keys.sort());
});

test("a program that is gone, or another by now, is made anew", async () => {
  await setUp([real.folder]);
  const made = join(checkout, "shared", FOLDER, "tailscale");
  await rm(made);
  await symlink("/bin/true", made);
  expect(await setUp([real.folder])).toMatchObject({ exitCode: 0, all: expect.stringContaining("ready after") });
  expect(await sha256(made)).toBe(await sha256(join(real.folder, "tailscale")));
});
