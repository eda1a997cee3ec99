/**
 * Says where set-up puts things. Tools are shared by all checkouts and by the installed package, so each lies in a
 * folder of its own that is named by its version; Pulumi's state and passphrase lie in the captain's home. What belongs
 * to one checkout alone, and is cheap to make again, is in its `.tools/`.
 *
 * Until set-up is called by name, a checkout that has tools or state in its `.tools/`, where all of them once lay, goes
 * on with those.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Whether this is a checkout, and not the installed package, which needs no packages and has no tests. */
export const isCheckout = existsSync(join(root, "package-lock.json"));
/** The folder of what belongs to this checkout alone. */
export const checkoutFolder = join(root, ".tools");

/** The captain's home, as lib/base/paths.ts has it. */
export function captainHome(base = process.env) {
  return resolve(withHome(base.OCAPTAIN_HOME || "~/.ocaptain", base));
}

/** The folder of all tools. */
export function toolsFolder(base = process.env) {
  return resolve(base.OCAPTAIN_TOOLS ? withHome(base.OCAPTAIN_TOOLS, base) : join(captainHome(base), "tools"));
}

/** The folder in which Node keeps the code that it compiled; bin/ocaptain names the same one. */
export function compileCache(base = process.env) {
  const shared = toolsFolder(base);
  return join(existsSync(shared) || !existsSync(checkoutFolder) ? shared : checkoutFolder, "compile-cache");
}

const withHome = (path, base) => (/^~(\/|$)/.test(path) ? join(base.HOME || homedir(), path.slice(1)) : path);

/** The folder of Pulumi's default state and passphrase, for whoever has no backend or passphrase of their own. */
export function pulumiHome(base = process.env) {
  const own = [checkoutFolder, movingFolder].find((folder) => existsSync(join(folder, "state")));
  return own ?? join(captainHome(base), "pulumi");
}
/** The folder in which a checkout's state is on its way to the captain's home. */
export const movingFolder = join(checkoutFolder, "moving");
export const stateFolder = (base = process.env) => join(pulumiHome(base), "state");
export const passphraseFile = (base = process.env) => join(pulumiHome(base), "passphrase");

const tools = join(root, "tools");
export const versions = JSON.parse(readFileSync(join(tools, "versions.json"), "utf8"));
export const languageHost = join(tools, "language-host");
const system = `${process.platform}-${process.arch}`;

/** The names of the folders of parts. Two checkouts that need different ones have both, and do not fight over one. */
const NAMES = {
  system: () => `system-${system}${process.getuid?.() === 0 ? "-root" : ""}`,
  node: () => `node-${nodeVersion()}-${system}`,
  // A CLI that was built has the language host of this code beside it.
  pulumi: () => `pulumi-${versions.pulumi}-${system}-${hostDigest()}`,
  mutagen: () => `mutagen-${versions.mutagen}-${system}`,
  "tailscale-amd64": () => `tailscale-${versions.tailscale}-linux-amd64`,
  "tailscale-arm64": () => `tailscale-${versions.tailscale}-linux-arm64`,
  headscale: () => `headscale-${versions.headscale}-${system}`,
  gitea: () => `gitea-${versions.gitea}-${system}`,
};

/** The folder of a part among the tools; undefined for a part that belongs to the checkout. */
export function partFolder(name, base = process.env) {
  return NAMES[name] && join(toolsFolder(base), NAMES[name]());
}

const nodeVersion = () =>
  Object.values(JSON.parse(readFileSync(join(tools, "node24", "package.json"), "utf8")).optionalDependencies)[0];

function hostDigest() {
  const hash = createHash("sha256");
  for (const name of readdirSync(languageHost).sort()) hash.update(readFileSync(join(languageHost, name)));
  return hash.digest("hex").slice(0, 8);
}

/** The files in which set-up notes a part that it has made, the present place first. */
export function stampFiles(name, base = process.env) {
  const folder = partFolder(name, base);
  return [...(folder ? [join(folder, "stamp.json")] : []), join(checkoutFolder, "stamps", `${name}.json`)];
}

/** Reads what set-up noted of a part, `{key, version, from, path, …}`; undefined before the part was set up. */
export function readStamp(name, base = process.env) {
  const file = stampFiles(name, base).find((each) => existsSync(each));
  return file && JSON.parse(readFileSync(file, "utf8"));
}
