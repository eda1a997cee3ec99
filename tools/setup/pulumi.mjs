import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { languageHost, root, toolsFolder, versions } from "../places.mjs";
import { atLeast, findOnPath, identity, runCommand } from "./command.mjs";
import { checkGo, goBuild, sayBuild } from "./go.mjs";
import { download, publishedDigest, whyOutOfReach } from "./release.mjs";

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

  async foresee({ earlier }) {
    if ((await fromPath()) || foundHere(earlier)) return;
    const why = await whyNoRelease();
    if (why) await checkGoFor(why);
  },

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

const ARCHIVE = `pulumi-v${VERSION}-${process.platform}-${process.arch}.tar.gz`;
const RELEASE = `https://get.pulumi.com/releases/sdk/${ARCHIVE}`;
const CHECKSUMS = `https://github.com/pulumi/pulumi/releases/download/v${VERSION}/pulumi-${VERSION}-checksums.txt`;
const whyNoRelease = async () => (await Promise.all([RELEASE, CHECKSUMS].map(whyOutOfReach))).find(Boolean) ?? "";

const checkGoFor = (why) =>
  checkGo("pulumi").catch((error) => {
    throw new Error(
      `Pulumi ${VERSION} is not on PATH, its release cannot be had (${why}), and ${error.message}; or install Pulumi: https://www.pulumi.com/docs/install/`,
    );
  });

/**
 * Takes the vendor's release; resolves to undefined when it cannot be reached, or does not have the published digest.
 * The archive and its digest come from two hosts.
 */
async function fromVendor(context) {
  const { tell, temporary } = context;
  const file = join(temporary, ARCHIVE);
  try {
    tell("looking for the vendor's release");
    const why = await whyNoRelease();
    if (why) throw new Error(why);
    const sha256 = await publishedDigest(CHECKSUMS, ARCHIVE);
    await download(RELEASE, file, { sha256, tell });
    await runCommand("tar", ["-xzf", file, "-C", temporary]);
  } catch (error) {
    context.noRelease = error.message;
    return undefined;
  }
  const bin = freshBin(context);
  for (const name of NAMES) renameSync(join(temporary, "pulumi", name), join(bin, name));
  return { version: VERSION, from: "vendor's release (get.pulumi.com)", path: install(context) };
}

async function fromGo(context) {
  const { tell, note, temporary, noRelease } = context;
  await checkGoFor(noRelease);
  sayBuild(note, {
    title: pulumi.title,
    why: `it is not on PATH, and its release cannot be had (${noRelease})`,
    minutes: "5 to 20",
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
  const found = foundHere(context.earlier);
  if (!found) return undefined;
  const bin = freshBin(context);
  for (const name of found.built ? ["pulumi"] : NAMES)
    cpSync(join(dirname(found.path), name), join(bin, name), { preserveTimestamps: true });
  return found.built ? ours(context, found.rows[0].from) : { ...found, path: install(context) };
}

function foundHere(earlier) {
  const found = earlier ?? siblings().find((stamp) => stamp.key === pulumi.key() && pulumi.intact(stamp));
  return found?.path.startsWith(toolsFolder()) || found?.path.split("/").includes(".tools") ? found : undefined;
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
