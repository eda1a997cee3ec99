import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { PROJECT } from "../../lib/base/program-file.ts";

/** Writes a file that is not there yet. Returns whether it did: one that is there stays as it is. */
export async function writeNew(file: string, text: string): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true });
  return writeFile(file, text, { flag: "wx", mode: file.endsWith(".sh") ? 0o755 : 0o644 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
}

type Package = { version: string; dependencies: Record<string, string> };

/** The files of a Pulumi project that sails voyages, and of an example of a plan, by their paths. */
export function newProject(): Record<string, string> {
  const { version, dependencies } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as Package;
  const manifest = {
    name: "voyages",
    private: true,
    type: "module",
    dependencies: { "@pulumi/pulumi": dependencies["@pulumi/pulumi"], ocaptain: `^${version}` },
  };
  return {
    "Pulumi.yaml": PULUMI_YAML,
    "index.ts": INDEX,
    "package.json": json(manifest),
    ".gitignore": GITIGNORE,
    "stacks/README.md":
      "# Stacks\n\nThe settings of each voyage, which Pulumi writes and reads. They are bound to your passphrase, and ignored by git.\n",
    ...examplePlan({
      folder: "plans/example",
      name: "example",
      repo: ".",
      schemas: "node_modules/ocaptain/plans/schema",
    }),
  };
}

/** What git must ignore, in a `.gitignore` that is there already. */
export const IGNORED = ["node_modules/", ".env", "stacks/Pulumi.*.yaml"];
const GITIGNORE = `${IGNORED.join("\n")}\n`;

const PULUMI_YAML = `name: ocaptain
description: Voyages, fleets of coding agents on VMs
runtime:
  name: nodejs
  options:
    typescript: false
main: index.ts
stackConfigDir: stacks
# Pulumi first looks at what is there, so that a run of it heals.
options:
  refresh: always
`;

export const INDEX = `import { sail } from "ocaptain";

export const { summary, voyage, ships, tasks, spend, workspace, helm, asOf } = await sail();
`;

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

/**
 * The files of a plan of three tasks that the hand `rehearsal` can do in any repository.
 * @param ask.folder  The plan's folder, from where it is written.
 * @param ask.schemas  The folder of the JSON Schemas by which an editor completes and explains, from the same place: a
 *   path to the installed package is the same wherever a project lies, and needs no network. Without it none is named.
 */
export function examplePlan(ask: {
  folder: string;
  name: string;
  repo: string;
  schemas?: string | undefined;
}): Record<string, string> {
  const { folder, name, repo, schemas } = ask;
  const schema = (from: string, file: string) =>
    schemas === undefined ? {} : { $schema: posix.join(posix.relative(from, schemas), file) };
  const tasks = [
    {
      subject: "List the files",
      description: "Write the path of each file of the repository to census/files.txt, one a line.",
      blockedBy: [],
      metadata: {
        rehearsal: "mkdir -p census && git ls-files > census/files.txt",
        check: "test -f census/files.txt",
        touches: ["census/files.txt"],
      },
    },
    {
      subject: "Count the files",
      description: "Write how many paths task 1 has listed to census/count.txt.",
      blockedBy: ["1"],
      metadata: {
        rehearsal: "wc -l < census/files.txt > census/count.txt",
        check: "test -s census/count.txt",
        touches: ["census/count.txt"],
      },
    },
    {
      subject: "Find the kinds of files",
      description: "Write each ending of the names that task 1 has listed to census/kinds.txt, once and in order.",
      blockedBy: ["1"],
      metadata: {
        rehearsal: "sed -n 's/.*\\.//p' census/files.txt | sort -u > census/kinds.txt",
        check: "test -f census/kinds.txt",
        touches: ["census/kinds.txt"],
      },
    },
  ].map((task, i) => ({ ...schema(`${folder}/tasks`, "task.json"), id: String(i + 1), ...task }));
  const voyage = { ...schema(folder, "voyage.json"), name, repo, recommended_ships: 2 };
  return {
    [posix.join(folder, "spec.md")]: "# A census of this repository\n\nWhich files are there, how many, and of what kinds.\n",
    [posix.join(folder, "verify.sh")]:
      "#!/bin/sh\n# Runs in a fresh checkout of the result; exit status 0 says that it is verified.\nset -e\ntest -f census/files.txt\ntest -s census/count.txt\ntest -f census/kinds.txt\n",
    [posix.join(folder, "voyage.json")]: json(voyage),
    ...Object.fromEntries(tasks.map((task) => [posix.join(folder, `tasks/${task.id}.json`), json(task)])),
  };
}
