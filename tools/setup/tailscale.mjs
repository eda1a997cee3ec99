import { closeSync, mkdirSync, openSync, readSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { checkoutFolder, versions } from "../places.mjs";
import { findOnPath, identity, runCommand } from "./command.mjs";
import { checkGo, goBuild, sayBuild } from "./go.mjs";
import { download, fileDigest, publishedDigest } from "./release.mjs";
import { checkSignature } from "./signature.mjs";
import { takeEarlier } from "./take-earlier.mjs";

/** The release that this project was tried with, and that a Headscale of 0.28 serves. Newer ones need a newer Go. */
const VERSION = versions.tailscale;
const PROGRAMS = ["tailscale", "tailscaled"];
const PACKAGES = "https://pkgs.tailscale.com";

/**
 * Tailscale for ships: static programs for Linux, with their digests in the stamp, where lib/tailnet/node/parts.ts
 * finds them. It is made only when asked for (`npm run setup -- tailscale-amd64`): from exactly this release on PATH,
 * else from the vendor's release, else built from the Go module.
 */
export const tailscale = (arch) => {
  const name = `tailscale-${arch}`;
  return {
    name,
    title: `Tailscale ${VERSION} for linux/${arch}`,
    earlier: [name],
    key: () => `${VERSION} ${arch}`,
    intact({ folder = join(checkoutFolder, name), identity: was }) {
      return PROGRAMS.every((program) => identity(join(folder, program)) === was[program]);
    },

    async make(context) {
      const fresh = join(context.temporary, name);
      const taken = takeEarlier(context.earlier, name, fresh);
      if (!taken) mkdirSync(fresh);
      const from =
        (taken && context.earlier.from) ||
        (await fromPath(arch, fresh)) ||
        (await fromVendor(arch, fresh, context).catch(({ message }) => {
          context.tell(`no vendor's release: ${message}`);
          return fromGo(arch, fresh, context, message);
        }));
      const folder = context.place(fresh);
      const each = async (of) =>
        Object.fromEntries(await Promise.all(PROGRAMS.map(async (one) => [one, await of(join(folder, one))])));
      return { version: VERSION, from, folder, sha256: await each(fileDigest), identity: await each(identity) };
    },
  };
};

/**
 * Copies both programs from PATH if they are of exactly this release, static, and for the processor of this machine;
 * else resolves to undefined.
 */
async function fromPath(arch, folder) {
  if (process.platform !== "linux" || process.arch !== (arch === "amd64" ? "x64" : arch)) return undefined;
  const paths = PROGRAMS.map((program) => findOnPath(program));
  for (const path of paths) {
    const said = path && isStatic(path) ? await runCommand(path, ["--version"], { timeoutMs: 20_000 }).catch(() => "") : "";
    if (said.split("\n")[0].split("-")[0] !== VERSION) return undefined;
  }
  for (const [i, program] of PROGRAMS.entries()) await copyFile(paths[i], join(folder, program));
  return `system (${paths[0]})`;
}

/**
 * Whether a program runs on a system of any libc, because it names no loader: an ELF file without a segment of type
 * PT_INTERP.
 */
function isStatic(path) {
  const head = Buffer.alloc(4096);
  const file = openSync(path, "r");
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  if (head.toString("latin1", 0, 4) !== "\x7fELF" || head[4] !== 2) return false;
  const [start, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let i = 0; i < count; i++) if (head.readUInt32LE(start + i * size) === 3) return false;
  return true;
}

/**
 * Takes the vendor's release; rejects unless it can be had and is signed by the vendor. The digest that is published
 * beside it shows a broken download, and the signature a false server: its root keys are known from the Go module.
 */
async function fromVendor(arch, folder, { tell, temporary }) {
  const [name, archive] = [`tailscale_${VERSION}_${arch}`, `stable/tailscale_${VERSION}_${arch}.tgz`];
  const file = join(temporary, `${name}.tgz`);
  tell("looking for the vendor's release");
  const sha256 = await publishedDigest(`${PACKAGES}/${archive}.sha256`);
  await download(`${PACKAGES}/${archive}`, file, { sha256, tell });
  await checkSignature(PACKAGES, archive, file);
  const programs = PROGRAMS.map((one) => `${name}/${one}`);
  await runCommand("tar", ["-xzf", file, "-C", folder, "--strip-components=1", ...programs]);
  return "vendor's release (pkgs.tailscale.com), signed";
}

/** Builds both programs from the Go module. `why` says why the vendor's release could not be used. */
async function fromGo(arch, folder, { tell, note }, why) {
  await checkGo("tailnet").catch((error) => {
    throw new Error(`Tailscale ${VERSION} cannot be had from pkgs.tailscale.com (${why}), and ${error.message}`);
  });
  const title = `Tailscale ${VERSION} for linux/${arch}`;
  sayBuild(note, { title, why: `its release cannot be had from pkgs.tailscale.com (${why})`, minutes: "2 to 10" });
  const started = Date.now();
  const stamp = ["longStamp", "shortStamp"].map((variable) => `-X tailscale.com/version.${variable}=${VERSION}`).join(" ");
  for (const program of PROGRAMS)
    await goBuild("tailnet", `tailscale.com/cmd/${program}`, join(folder, program), {
      ldflags: `-s -w ${stamp}`,
      env: { GOOS: "linux", GOARCH: arch, CGO_ENABLED: "0" },
      tell,
    });
  return `Go module, built in ${Math.round((Date.now() - started) / 1000)} s`;
}
