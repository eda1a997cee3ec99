import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root } from "../places.mjs";
import { allOnPath, atLeast, identity, runCommand } from "./command.mjs";
import { takeEarlier } from "./take-earlier.mjs";

const MINIMUM = "24";
const recipe = join(root, "tools", "node24");
const packageName = `node-${process.platform}-${process.arch}`;
const program = join("node_modules", packageName, "bin", "node");

/**
 * The Node that runs all but set-up: the system's when it is new enough, else a binary from npm, whose digest is in the
 * committed lock file.
 */
export const node = {
  name: "node",
  title: "Node 24",
  earlier: ["node24"],
  key: () => `≥${MINIMUM} ${readFileSync(join(recipe, "package.json"), "utf8")} ${packageName}`,
  intact: (stamp) => identity(stamp.path) === stamp.identity,

  async make({ temporary, place, earlier }) {
    for (const path of allOnPath("node")) {
      const version = await versionOf(path).catch(() => "");
      if (atLeast(version, MINIMUM)) return { version, from: `system (${path})`, path, identity: identity(path) };
    }

    const made = join(temporary, "node24");
    cpSync(recipe, made, { recursive: true });
    if (!takeEarlier(earlier, "node24", made))
      await runCommand("npm", ["ci", "--ignore-scripts", "--no-fund", "--no-audit"], { cwd: made, timeoutMs: 5 * 60_000 });
    if (!existsSync(join(made, "node_modules", packageName)))
      throw new Error(
        `Node is ${process.version}, and npm has no Node ${MINIMUM} for this system (${packageName}). Install Node ≥ ${MINIMUM}: https://nodejs.org`,
      );
    const ours = join(place(made), program);
    return { version: await versionOf(ours), from: `npm (${packageName})`, path: ours, identity: identity(ours) };
  },
};

const versionOf = async (path) => (await runCommand(path, ["--version"], { timeoutMs: 10_000 })).replace(/^v/, "");
