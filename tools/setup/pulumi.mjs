import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { languageHost, root, toolsFolder, versions } from "../places.mjs";
import { atLeast, findOnPath, identity, runCommand } from "./command.mjs";
import { checkGo, goBuild } from "./go.mjs";
import { download, publishedDigest } from "./release.mjs";

/** The version of @pulumi/pulumi in package.json, so that program and engine are of one release. */
const VERSION = versions.pulumi;
const NAMES = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

/**
 * Pulumi's CLI with what it needs for Node programs. It is taken from PATH if it is this release or a later 3.x with
 * the vendor's language host, because a CLI serves programs of older SDKs but not of newer ones. Else it is the
 * vendor's release, else it is built from the Go module and gets the language host of this project.
 */
export const pulumi = {
  name: "pulumi",
  title: `Pulumi ${VERSION}`,
  earlier: NAMES.map((name) => `bin/${name}`),
  key: () => `${VERSION} ${process.platform} ${process.arch}`,
  intact: (stamp) =>
    identity(stamp.path) === stamp.identity &&
    (!stamp.built || NAMES.every((name) => existsSync(join(dirname(stamp.path), name)))),

  async make(context) {
    const stamp = (await fromPath()) ?? fromHere(context) ?? (await fromVendor(context)) ?? (await fromGo(context));
    return { ...stamp, identity: identity(stamp.path) };
  },
};

async function fromPath() {
  const path = findOnPath("pulumi");
  if (!path || !findOnPath("pulumi-language-nodejs")) return undefined;
  const said = await runCommand(path, ["version"], { timeoutMs: 20_000, env: { PULUMI_SKIP_UPDATE_CHECK: "true" } }).catch(
    () => "",
  );
  const version = /\d+\.\d+\.\d+/.exec(said)?.[0];
  if (!version?.startsWith("3.") || !atLeast(version, VERSION)) return undefined;
  return { version, from: `system (${path})`, path };
}

/**
 * Takes the vendor's release; resolves to undefined when it cannot be reached, or does not have the published digest.
 * The archive and its digest come from two hosts.
 */
async function fromVendor(context) {
  const { tell, temporary } = context;
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
  const bin = freshBin(context);
  for (const name of NAMES) renameSync(join(temporary, "pulumi", name), join(bin, name));
  return { version: VERSION, from: "vendor's release (get.pulumi.com)", path: install(context) };
}

async function fromGo(context) {
  const { tell, temporary } = context;
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
  renameSync(built, join(freshBin(context), "pulumi"));
  return ours(context, `Go module, built in ${Math.round((Date.now() - started) / 1000)} s`);
}

/**
 * Takes the CLI that another code of ocaptain's has set up, with another language host, or the one that is in the
 * checkout's `.tools/`: neither must be downloaded or built again. Returns undefined when there is none.
 */
function fromHere(context) {
  const found = context.earlier ?? siblings().find((stamp) => stamp.key === pulumi.key() && pulumi.intact(stamp));
  if (!found?.path.startsWith(toolsFolder()) && !found?.path.split("/").includes(".tools")) return undefined;
  const bin = freshBin(context);
  for (const name of found.built ? ["pulumi"] : NAMES)
    cpSync(join(dirname(found.path), name), join(bin, name), { preserveTimestamps: true });
  return found.built ? ours(context, found.rows[0].from) : { ...found, path: install(context) };
}

/** The stamps of this CLI in the folders of other codes. */
function siblings() {
  return readdirSync(toolsFolder())
    .map((name) => join(toolsFolder(), name, "stamp.json"))
    .filter((file) => file.includes(`pulumi-${VERSION}-`) && existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, "utf8")));
}

function freshBin({ temporary }) {
  const bin = join(temporary, "fresh", "bin");
  mkdirSync(bin, { recursive: true });
  return bin;
}

const install = ({ temporary, place }) => join(place(join(temporary, "fresh")), "bin", "pulumi");

/**
 * Puts our language host, and the SDK's starter of dynamic providers, beside a CLI that was built: it looks first in
 * its own folder, and warns at each run about one that it finds elsewhere on PATH. They are copies, for the checkout
 * that made them may go.
 */
function ours(context, from) {
  const bin = freshBin(context);
  cpSync(languageHost, join(bin, "..", "language-host"), { recursive: true });
  symlinkSync("../language-host/pulumi-language-nodejs", join(bin, "pulumi-language-nodejs"));
  const provider = "pulumi-resource-pulumi-nodejs";
  copyFileSync(createRequire(join(root, "_.js")).resolve(`@pulumi/pulumi/${provider}`), join(bin, provider));
  return {
    built: true,
    path: install(context),
    rows: [
      { part: "pulumi", version: VERSION, from },
      { part: "language host", version: VERSION, from: "ours (tools/language-host)" },
    ],
  };
}
