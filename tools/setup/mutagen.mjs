import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { versions } from "../places.mjs";
import { findOnPath, identity, runCommand } from "./command.mjs";
import { checkGo, goBuild, sayBuild } from "./go.mjs";
import { download, whyOutOfReach } from "./release.mjs";
import { takeEarlier } from "./take-earlier.mjs";

const VERSION = versions.mutagen;
const AGENTS = "mutagen-agents.tar.gz";
/** The releases' digests, as Mutagen's Homebrew formula pins them. */
const RELEASES = {
  "linux-x64": ["linux_amd64", "7735286c778cc438418209f24d03a64f3a0151c8065ef0fe079cfaf093af6f8f"],
  "darwin-x64": ["darwin_amd64", "7d06f7d8fcfe90bc7e55cc834a2f2f20c2e0af9ea9bc35911fc4341ad56a9bbf"],
  "darwin-arm64": ["darwin_arm64", "6f810416d9e5fc4fd5e18431146f8b3c5a2056ba5a24f76c1e66da86eb3257e2"],
};
/** The processors of providers' machines, which all run Linux. */
const SHIPS = ["amd64", "arm64"];

/**
 * Mutagen, with the agents that it puts on ships. It is taken from PATH, else from the vendor's release, else built
 * from the Go module.
 */
export const mutagen = {
  name: "mutagen",
  title: `Mutagen ${VERSION}`,
  earlier: ["bin/mutagen", `bin/${AGENTS}`],
  key: () => `${VERSION} ${process.platform} ${process.arch} ${SHIPS}`,
  intact: (stamp) => identity(stamp.path) === stamp.identity && existsSync(stamp.agents),

  async foresee({ earlier }) {
    if (earlier || (await fromPath())) return;
    const why = await whyNoRelease();
    if (why) await checkGoFor(why);
  },

  async make(context) {
    const stamp = (await fromPath()) ?? fromEarlier(context) ?? (await fromVendor(context)) ?? (await fromGo(context));
    return { version: VERSION, ...stamp, identity: identity(stamp.path) };
  },
};

/**
 * Takes the Mutagen on PATH only if it is exactly this release: nothing promises that the state of another release's
 * sessions fits.
 */
async function fromPath() {
  const path = findOnPath("mutagen");
  if (!path || (await runCommand(path, ["version"], { timeoutMs: 20_000 }).catch(() => "")) !== VERSION) return undefined;
  // Mutagen itself looks for its agents in these two places.
  const agents = [join(dirname(path), AGENTS), join(dirname(path), "..", "libexec", AGENTS)].find(existsSync);
  if (!agents) return undefined;
  return { from: `system (${path})`, path, agents };
}

function fromEarlier(context) {
  const taken = ["mutagen", AGENTS].map((name) => takeEarlier(context.earlier, `bin/${name}`, join(context.temporary, name)));
  return taken.every(Boolean) ? install(context, context.earlier.from) : undefined;
}

const [SYSTEM, SHA256] = RELEASES[`${process.platform}-${process.arch}`] ?? [];
const ARCHIVE = `mutagen_${SYSTEM}_v${VERSION}.tar.gz`;
const RELEASE = `https://github.com/mutagen-io/mutagen/releases/download/v${VERSION}/${ARCHIVE}`;
const whyNoRelease = async () =>
  SYSTEM ? whyOutOfReach(RELEASE) : `no digest of one for ${process.platform}-${process.arch} is known here`;

const checkGoFor = (why) =>
  checkGo("mutagen").catch((error) => {
    throw new Error(
      `Mutagen ${VERSION} is not on PATH, its release cannot be had (${why}), and ${error.message}; or install Mutagen: https://mutagen.io/documentation/introduction/installation`,
    );
  });

/**
 * Takes the vendor's release; resolves to undefined when it cannot be reached, or when no digest of it is known here.
 */
async function fromVendor(context) {
  const { tell, temporary } = context;
  const file = join(temporary, ARCHIVE);
  try {
    tell("looking for the vendor's release");
    const why = await whyNoRelease();
    if (why) throw new Error(why);
    await download(RELEASE, file, { sha256: SHA256, tell });
    await runCommand("tar", ["-xzf", file, "-C", temporary]);
  } catch (error) {
    context.noRelease = error.message;
    return undefined;
  }
  return install(context, "vendor's release (github.com)");
}

async function fromGo(context) {
  const { tell, note, temporary, noRelease } = context;
  await checkGoFor(noRelease);
  sayBuild(note, {
    title: mutagen.title,
    why: `it is not on PATH, and its release cannot be had (${noRelease})`,
    minutes: "1 to 5",
  });
  const started = Date.now();
  const build = (command, output, tags, env) =>
    goBuild("mutagen", `github.com/mutagen-io/mutagen/cmd/${command}`, join(temporary, output), {
      tags,
      env,
      ldflags: "-s -w",
      tell,
    });
  await build("mutagen", "mutagen", "mutagencli");
  // Agents are built without C, so that they run on systems of any libc.
  for (const arch of SHIPS)
    await build("mutagen-agent", `linux_${arch}`, "mutagenagent", { GOOS: "linux", GOARCH: arch, CGO_ENABLED: "0" });
  await runCommand("tar", ["-czf", join(temporary, AGENTS), "-C", temporary, ...SHIPS.map((arch) => `linux_${arch}`)]);
  return install(context, `Go module, built in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** Puts the program and its agents, which are in the temporary folder by now, into the part's own. */
function install({ temporary, place }, from) {
  const fresh = join(temporary, "fresh");
  mkdirSync(fresh);
  for (const name of [AGENTS, "mutagen"]) renameSync(join(temporary, name), join(fresh, name));
  const folder = place(fresh);
  return { from, path: join(folder, "mutagen"), agents: join(folder, AGENTS) };
}
