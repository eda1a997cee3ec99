import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { versions } from "../places.mjs";
import { findOnPath, identity, runCommand } from "./command.mjs";
import { checkGo, goBuild } from "./go.mjs";
import { download } from "./release.mjs";
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

/**
 * Takes the vendor's release; resolves to undefined when it cannot be reached, or when no digest of it is known here.
 */
async function fromVendor(context) {
  const { tell, temporary } = context;
  const [system, sha256] = RELEASES[`${process.platform}-${process.arch}`] ?? [];
  if (!system) return undefined;
  const archive = `mutagen_${system}_v${VERSION}.tar.gz`;
  const file = join(temporary, archive);
  try {
    tell("looking for the vendor's release");
    await download(`https://github.com/mutagen-io/mutagen/releases/download/v${VERSION}/${archive}`, file, { sha256, tell });
    await runCommand("tar", ["-xzf", file, "-C", temporary]);
  } catch (error) {
    tell(`no vendor's release: ${error.message}`);
    return undefined;
  }
  return install(context, "vendor's release (github.com)");
}

async function fromGo(context) {
  const { tell, temporary } = context;
  await checkGo("mutagen").catch((error) => {
    throw new Error(
      `Mutagen ${VERSION} is not on PATH, its release cannot be had from github.com, and ${error.message}; or install Mutagen: https://mutagen.io/documentation/introduction/installation`,
    );
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
