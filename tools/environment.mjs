/**
 * The one place that says which tools and variables a process of ocaptain's, or a shell, gets. It runs before anything
 * is set up, so it uses only built-ins of Node 20.
 *
 * `node tools/environment.mjs` prints lines for a POSIX shell (`.tools/env.sh`, `ocaptain env`); with `--pulumi FOLDER`
 * those for a `pulumi` in the project of that folder (bin/pulumi).
 */
import { accessSync, constants, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { reachLoopback } from "./language-host/loopback.mjs";
import {
  checkoutFolder,
  compileCache,
  isCheckout,
  passphraseFile,
  readStamp,
  root,
  stateFolder,
  toolsFolder,
} from "./places.mjs";

/** The Node that runs everything but set-up; before set-up, the one that runs this. */
export const nodePath = (base = process.env) => readStamp("node", base)?.path ?? process.execPath;

/**
 * The variables to add to `base` (an environment such as process.env) for a process of ocaptain's own, and for a
 * `pulumi` that it starts. What a person has set is left alone, and so is their Pulumi login. `PULUMI_PARALLEL` is set
 * because the engine's default is 4 per core, and ships wait for a network, not for cores (docs/facts/pulumi.md#times).
 * `project` is the folder of the Pulumi project, which may name a backend.
 */
export function environment(base = process.env, project = root) {
  /** @type {Record<string, string>} */
  const set = { PATH: withTools(base.PATH ?? "", ["pulumi", "mutagen", "node"], base), OCAPTAIN_TOOLS: toolsFolder(base) };
  const unlessSet = (name, value) => {
    if (!base[name]) set[name] = value;
  };
  unlessSet("PULUMI_SKIP_UPDATE_CHECK", "true");
  unlessSet("PULUMI_PARALLEL", "64");
  // Node then keeps the code that it compiled, with the types stripped: an `up` starts five Node processes that load
  // much the same files (docs/bench.md).
  unlessSet("NODE_COMPILE_CACHE", compileCache(base));
  set.NODE_OPTIONS = withLeanSdk(base.NODE_OPTIONS);
  // With this a ship that fails is named, and the others sail all the same.
  unlessSet("PULUMI_CONTINUE_ON_ERROR", "true");
  if (!hasBackend(base, project)) set.PULUMI_BACKEND_URL = pathToFileURL(stateFolder(base)).href;
  if (!base.PULUMI_CONFIG_PASSPHRASE && !said(base, "PULUMI_CONFIG_PASSPHRASE_FILE"))
    set.PULUMI_CONFIG_PASSPHRASE_FILE = passphraseFile(base);
  // A CLI that was built because downloads are out of reach must not try to download plugins: it would retry for
  // seconds (docs/facts/pulumi.md#settings).
  if (readStamp("pulumi", base)?.built) unlessSet("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true");
  Object.assign(set, reachLoopback(base));
  return set;
}

/**
 * The variables to add for a person's shell. None of them is read by Pulumi, so that the person's other projects stay
 * as they are: `bin/`, which comes first on PATH, has a `pulumi` that takes {@link environment} for projects of
 * ocaptain's alone. A checkout also brings Node 24 where the person's is older, for its tests.
 */
export function shellEnvironment(base = process.env) {
  const bin = join(root, "bin");
  const rest = (base.PATH ?? "").split(delimiter).filter((folder) => folder && folder !== bin);
  const path = isCheckout ? withTools(rest.join(delimiter), ["node"], base) : rest.join(delimiter);
  const mutagen = findOnPath("mutagen", path) ? undefined : readStamp("mutagen", base)?.path;
  const folders = [bin, path, ...(mutagen ? [dirname(mutagen)] : [])];
  return { PATH: folders.filter(Boolean).join(delimiter), OCAPTAIN_TOOLS: toolsFolder(base) };
}

/** These options of Node's, and the one by which Pulumi's SDK loads what it needs and no more. */
function withLeanSdk(options = "") {
  const file = join(root, "tools", "lean-sdk.cjs").replaceAll(/["\\]/g, "\\$&");
  const option = `--require="${file}"`;
  return options.includes(option) ? options : `${options} ${option}`.trim();
}

/** The value of a variable, unless it is what a shell has from an earlier set-up of this checkout. */
const said = (base, name) => (base[name]?.replace("file://", "").startsWith(checkoutFolder) ? "" : base[name]);

/** Whether the user has said where state goes: by variable, by token, in the project, or by `pulumi login`. */
function hasBackend(base, project) {
  if (said(base, "PULUMI_BACKEND_URL") || base.PULUMI_ACCESS_TOKEN) return true;
  if (/^backend:/m.test(contentOf(join(project, "Pulumi.yaml")))) return true;
  const credentials = base.PULUMI_CREDENTIALS_PATH || base.PULUMI_HOME || join(base.HOME ?? homedir(), ".pulumi");
  try {
    return Boolean(JSON.parse(readFileSync(join(credentials, "credentials.json"), "utf8")).current);
  } catch {
    return false; // There is no such file, or not one that Pulumi could read either.
  }
}

function contentOf(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // There is no such file.
  }
}

/**
 * The search path `path`, on which each of the programs is found as set-up chose it: the folder of one that is not
 * comes first. Folders of ours hold nothing else, so they come before one of the system's, which a chosen Node may be
 * in.
 */
function withTools(path, programs, base) {
  let result = path;
  for (const program of programs.toReversed()) {
    const chosen = readStamp(program, base)?.path ?? (program === "node" ? process.execPath : undefined);
    if (!chosen || findOnPath(program, result) === chosen) continue;
    const folder = dirname(chosen);
    result = [folder, ...result.split(delimiter).filter((each) => each !== folder)].filter(Boolean).join(delimiter);
  }
  return result;
}

/** The first executable of that name on a search path. */
function findOnPath(name, path) {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false; // It is not in this folder.
      }
    });
}

/** Lines that set these variables in a shell: `posix`, or `fish`. */
export function exportLines(variables, shell = "posix") {
  return Object.entries(variables).map(([name, value]) => {
    if (shell !== "fish") return `export ${name}='${value.replaceAll("'", "'\\''")}'`;
    const values = name === "PATH" ? value.split(delimiter) : [value];
    return `set -gx ${name} ${values.map((each) => `'${each.replace(/[\\']/g, "\\$&")}'`).join(" ")}`;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const project = process.argv[2] === "--pulumi" ? process.argv[3] : undefined;
  if (project !== undefined) (await import("./setup/state.mjs")).makeState();
  console.log(exportLines(project === undefined ? shellEnvironment() : environment(process.env, project)).join("\n"));
}
