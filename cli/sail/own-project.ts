import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { ocaptainHome } from "../../lib/base/paths.ts";
import { PROJECT } from "../../lib/base/program-file.ts";

const START = `import { sail } from "ocaptain";

export const { summary, voyage, ships, tasks, spend, workspace, helm, asOf } = await sail();
`;

export const ownProjectFolder = () => join(ocaptainHome(), "project");

/**
 * The Pulumi project that `ocaptain` keeps for whoever has none: `project` in the captain's home, with the stacks'
 * settings beside it. It is made, and brought up to date, each time that it is asked for, since the package may have
 * moved with another Node. A demonstration has one in a folder of its own, `home`.
 */
export async function ownProject(home = ocaptainHome()): Promise<string> {
  const folder = join(home, "project");
  const program = readFileSync(join(PROJECT, "Pulumi.yaml"), "utf8").replace(
    /^stackConfigDir: .*$/m,
    "stackConfigDir: ../stacks",
  );
  const files = {
    "Pulumi.yaml": program,
    "package.json": `${JSON.stringify({ name: "voyages", private: true, type: "module" }, null, 2)}\n`,
    "start.mjs": START,
    // States of the project's early versions name this file.
    "dynamic-providers/host.ts": 'export * from "ocaptain/host";\n',
  };
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    if (!existsSync(file) || (await readFile(file, "utf8")) !== text) await writeAtomically(file, text);
  }
  await mkdir(join(home, "stacks"), { recursive: true });
  const sdk = dirname(createRequire(join(PROJECT, "package.json")).resolve("@pulumi/pulumi/package.json"));
  await link(PROJECT, join(folder, "node_modules", "ocaptain"));
  await link(sdk, join(folder, "node_modules", "@pulumi", "pulumi"));
  return folder;
}

/** Makes a link, in place of one that leads elsewhere; at no moment there is none. */
async function link(target: string, path: string): Promise<void> {
  if ((await readlink(path).catch(() => null)) === target) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await symlink(target, temporary);
  await rename(temporary, path).catch(async (error: unknown) => {
    await rm(temporary, { force: true });
    throw error;
  });
}
