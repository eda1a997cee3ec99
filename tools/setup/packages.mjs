import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../environment.mjs";
import { runCommand } from "./command.mjs";

const lockFile = join(root, "package-lock.json");
/** npm writes it as the last step of an install: an interrupted one has none. */
const installedFile = join(root, "node_modules", ".package-lock.json");

/** node_modules as package-lock.json says. Scripts of packages do not run: one of them would download a Pulumi plugin (facts: pulumi §4). */
export const packages = {
  name: "packages",
  title: "npm packages",
  key: () => createHash("sha256").update(readFileSync(lockFile)).digest("hex"),
  intact: () => installed() !== undefined,

  async make() {
    if (!installed())
      await runCommand("npm", ["ci", "--ignore-scripts", "--no-fund", "--no-audit"], { cwd: root, timeoutMs: 10 * 60_000 });
    const count = installed();
    if (!count)
      throw new Error("npm ci has left node_modules unlike package-lock.json. Type: rm -rf node_modules && npm run setup");
    return { version: `${count} packages`, from: "npm (package-lock.json)" };
  },
};

/** How many packages are installed; undefined when they are not those of the lock file. */
function installed() {
  if (!existsSync(installedFile)) return undefined;
  const { "": _root, ...wanted } = packagesIn(lockFile);
  const have = packagesIn(installedFile);
  const same = Object.entries(wanted).every(([path, entry]) => {
    // npm leaves out optional packages of other systems.
    return have[path] ? have[path].version === entry.version : entry.optional;
  });
  return same && Object.keys(have).every((path) => path in wanted) ? Object.keys(have).length : undefined;
}

const packagesIn = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
