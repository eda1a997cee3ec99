import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { root } from "../places.mjs";
import { runCommand } from "./command.mjs";

const lockFile = join(root, "package-lock.json");
/** A file that npm writes as the last step of an install, so that an interrupted install has none. */
const installedFile = join(root, "node_modules", ".package-lock.json");

/**
 * The packages in node_modules, as package-lock.json lists them. Scripts of packages do not run: one of them would
 * download a Pulumi plugin (docs/facts/pulumi.md#settings).
 */
export const packages = {
  name: "packages",
  title: "npm packages",
  key: () => createHash("sha256").update(readFileSync(lockFile)).digest("hex"),
  intact: () => installed() !== undefined,

  async make({ temporary, tell }) {
    tell(`some ${Object.keys(packagesIn(lockFile)).length} packages, by npm`);
    if (!installed()) await install(temporary);
    const count = installed();
    if (!count)
      throw new Error(
        "npm has left node_modules unlike package-lock.json, which must fit package.json. Type: rm -rf node_modules && npm run setup",
      );
    return { version: `${count} packages`, from: "npm (package-lock.json)" };
  },
};

/**
 * Installs in a folder of its own and then puts that in place, so that an interrupted install leaves the old
 * node_modules whole. It does not use `npm ci`, which refuses a lock file that lacks the optional packages of other
 * systems; registries that mirror only a part of npm lead to such files (docs/adr/set-up.md). Versions and digests come
 * from the lock file all the same, because of --no-save.
 */
async function install(temporary) {
  for (const file of ["package.json", "package-lock.json", ".npmrc"]) cpSync(join(root, file), join(temporary, file));
  const args = ["install", "--no-save", "--ignore-scripts", "--no-fund", "--no-audit"];
  await runCommand("npm", args, { cwd: temporary, timeoutMs: 10 * 60_000 });
  const folder = join(root, "node_modules");
  if (existsSync(folder)) renameSync(folder, join(temporary, "replaced"));
  renameSync(join(temporary, "node_modules"), folder);
}

/** The number of installed packages; undefined when they are not those of the lock file. */
function installed() {
  if (!existsSync(installedFile)) return undefined;
  const { "": _root, ...wanted } = packagesIn(lockFile);
  const have = packagesIn(installedFile);
  const same = Object.entries(wanted).every(([path, entry]) => {
    // npm leaves out optional packages for other systems, and the lock file may lack those for this one.
    return have[path] ? have[path].version === entry.version : entry.optional;
  });
  return same && Object.entries(have).every(([path, entry]) => path in wanted || entry.optional)
    ? Object.keys(have).length
    : undefined;
}

const packagesIn = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
