/**
 * The one place that says which tools and variables a shell, a script or a test of this checkout gets: `.tools/env.sh`
 * and `tools/run.mjs` both take them from here. It runs before anything is set up, so it uses only built-ins of Node
 * 20.
 *
 * `node tools/environment.mjs` prints `export` lines for a POSIX shell.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The folder of everything that set-up makes, except node_modules. */
export const toolsFolder = join(root, ".tools");
export const binFolder = join(toolsFolder, "bin");
export const stateFolder = join(toolsFolder, "state");
export const passphraseFile = join(toolsFolder, "passphrase");

/** Reads what set-up noted of a part, `{key, version, from, path, …}`; undefined before the part was set up. */
export function readStamp(part) {
  const file = stampFile(part);
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, "utf8"));
}
export const stampFile = (part) => join(toolsFolder, "stamps", `${part}.json`);

/** The Node that runs everything but set-up; before set-up, the one that runs this. */
export const nodePath = () => readStamp("node")?.path ?? process.execPath;

/**
 * The variables to add to `base` (an environment such as process.env). What a person has set is left alone, and so is
 * their Pulumi login. `PULUMI_PARALLEL` is set because the engine's default is 4 per core, and ships wait for a
 * network, not for cores (docs/facts/pulumi.md#times).
 */
export function environment(base = process.env) {
  /** @type {Record<string, string>} */
  const set = { PATH: withFolders(base.PATH ?? "", [dirname(nodePath()), binFolder]) };
  const unlessSet = (name, value) => {
    if (!base[name]) set[name] = value;
  };
  unlessSet("PULUMI_SKIP_UPDATE_CHECK", "true");
  unlessSet("PULUMI_PARALLEL", "64");
  // Node then keeps the code that it compiled, with the types stripped: an `up` starts five Node processes that load
  // much the same files (docs/bench.md).
  unlessSet("NODE_COMPILE_CACHE", join(toolsFolder, "compile-cache"));
  // With this a ship that fails is named, and the others sail all the same.
  unlessSet("PULUMI_CONTINUE_ON_ERROR", "true");
  if (!hasBackend(base)) set.PULUMI_BACKEND_URL = pathToFileURL(stateFolder).href;
  if (!base.PULUMI_CONFIG_PASSPHRASE && !base.PULUMI_CONFIG_PASSPHRASE_FILE) set.PULUMI_CONFIG_PASSPHRASE_FILE = passphraseFile;
  // A CLI that was built because downloads are out of reach must not try to download plugins: it would retry for
  // seconds (docs/facts/pulumi.md#settings).
  if (readStamp("pulumi")?.built) unlessSet("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true");
  Object.assign(set, reachLoopback(base));
  return set;
}

const PROXIES = ["http_proxy", "https_proxy", "all_proxy", "grpc_proxy"];

/**
 * The variables by which Pulumi's own processes reach each other over loopback where a proxy is set. The program's gRPC
 * connects before any line of the program runs; lib/base/no-proxy.ts takes care of all later connections.
 * @returns {Record<string, string>}
 */
export function reachLoopback(base = process.env) {
  if (!PROXIES.some((name) => base[name] || base[name.toUpperCase()])) return {};
  const said = [base.no_proxy, base.NO_PROXY].flatMap((list) => (list ?? "").split(/[\s,]+/)).filter(Boolean);
  if (said.includes("*")) return {};
  const all = [...new Set([...said, "localhost", "127.0.0.1"])].join(",");
  return { no_proxy: all, NO_PROXY: all };
}

/** Whether the user has said where state goes: by variable, by token, or by `pulumi login`. */
function hasBackend(base) {
  if (base.PULUMI_BACKEND_URL || base.PULUMI_ACCESS_TOKEN) return true;
  const credentials = base.PULUMI_CREDENTIALS_PATH || base.PULUMI_HOME || join(base.HOME ?? homedir(), ".pulumi");
  try {
    return Boolean(JSON.parse(readFileSync(join(credentials, "credentials.json"), "utf8")).current);
  } catch {
    return false; // There is no such file, or not one that Pulumi could read either.
  }
}

/** The search path `path` with `folders` in front, each of them once. */
function withFolders(path, folders) {
  const rest = path.split(delimiter).filter((folder) => !folders.includes(folder));
  return [...folders, ...rest].join(delimiter);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const quote = (value) => `'${value.replaceAll("'", "'\\''")}'`;
  for (const [name, value] of Object.entries(environment())) console.log(`export ${name}=${quote(value)}`);
}
