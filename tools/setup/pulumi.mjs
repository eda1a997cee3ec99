import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, join, relative } from "node:path";
import process from "node:process";
import { binFolder, root } from "../environment.mjs";
import { atLeast, findOnPath, identity, runCommand } from "./command.mjs";
import { checkGo, goBuild } from "./go.mjs";
import { download, publishedDigest } from "./release.mjs";

/** The version of @pulumi/pulumi in package.json, so that program and engine are of one release. */
const VERSION = "3.259.0";
const NAMES = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

/**
 * Pulumi's CLI with what it needs for Node programs. It is taken from PATH if it is this release or a later 3.x with
 * the vendor's language host, because a CLI serves programs of older SDKs but not of newer ones. Else it is the
 * vendor's release, else it is built from the Go module and gets the language host of this project.
 */
export const pulumi = {
  name: "pulumi",
  title: `Pulumi ${VERSION}`,
  key: () => `${VERSION} ${process.platform} ${process.arch}`,
  intact: (stamp) =>
    identity(stamp.path) === stamp.identity && (!stamp.built || NAMES.every((name) => existsSync(join(binFolder, name)))),

  async make(context) {
    const stamp = (await fromPath()) ?? (await fromVendor(context)) ?? (await fromGo(context));
    return { ...stamp, identity: identity(stamp.path) };
  },
};

async function fromPath() {
  const path = findOnPath("pulumi", [binFolder]);
  if (!path || !findOnPath("pulumi-language-nodejs", [binFolder])) return undefined;
  const said = await runCommand(path, ["version"], { timeoutMs: 20_000, env: { PULUMI_SKIP_UPDATE_CHECK: "true" } }).catch(
    () => "",
  );
  const version = /\d+\.\d+\.\d+/.exec(said)?.[0];
  if (!version?.startsWith("3.") || !atLeast(version, VERSION)) return undefined;
  // The shell would find this project's copies before the system's.
  for (const name of NAMES) rmSync(join(binFolder, name), { force: true });
  return { version, from: `system (${path})`, path };
}

/**
 * Takes the vendor's release; resolves to undefined when it cannot be reached, or does not have the published digest.
 * The archive and its digest come from two hosts.
 */
async function fromVendor({ tell, temporary }) {
  const archive = `pulumi-v${VERSION}-${process.platform}-${process.arch}.tar.gz`;
  const file = join(temporary, archive);
  try {
    tell("looking for the vendor's release");
    const checksums = `https://github.com/pulumi/pulumi/releases/download/v${VERSION}/pulumi-${VERSION}-checksums.txt`;
    const sha256 = await publishedDigest(checksums, archive);
    await download(`https://get.pulumi.com/releases/sdk/${archive}`, file, { sha256, tell });
    await runCommand("tar", ["-xzf", file, "-C", temporary]);
  } catch (error) {
    tell(`no vendor's release: ${error.message}`);
    return undefined;
  }
  mkdirSync(binFolder, { recursive: true });
  for (const name of NAMES.toReversed()) renameSync(join(temporary, "pulumi", name), join(binFolder, name));
  return { version: VERSION, from: "vendor's release (get.pulumi.com)", path: join(binFolder, "pulumi") };
}

async function fromGo({ tell, temporary }) {
  await checkGo("pulumi").catch((error) => {
    throw new Error(
      `Pulumi ${VERSION} is not on PATH, its release cannot be had from get.pulumi.com and github.com, and ${error.message}; or install Pulumi: https://www.pulumi.com/docs/install/`,
    );
  });
  const built = join(temporary, "pulumi");
  // The Automation API refuses a CLI without this version stamp (docs/facts/pulumi.md#parts).
  const ldflags = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${VERSION}`;
  const started = Date.now();
  await goBuild("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", built, { ldflags, tell });
  mkdirSync(binFolder, { recursive: true });
  // The CLI looks first in its own folder, and warns at each run about a host that it finds elsewhere on PATH.
  link("tools/language-host/pulumi-language-nodejs", temporary);
  link("node_modules/@pulumi/pulumi/pulumi-resource-pulumi-nodejs", temporary);
  renameSync(built, join(binFolder, "pulumi"));
  const seconds = Math.round((Date.now() - started) / 1000);
  return {
    built: true,
    path: join(binFolder, "pulumi"),
    rows: [
      { part: "pulumi", version: VERSION, from: `Go module, built in ${seconds} s` },
      { part: "language host", version: VERSION, from: "ours (tools/language-host)" },
    ],
  };
}

/** Puts a link to a program of this checkout into .tools/bin by a rename, so that no moment is without one. */
function link(program, temporary) {
  const name = basename(program);
  const made = join(temporary, `link-${name}`);
  symlinkSync(relative(binFolder, join(root, program)), made);
  renameSync(made, join(binFolder, name));
}
