import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { PROJECT } from "../../lib/base/program-file.ts";

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
    ...examplePlan(),
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
 * The address of a file's JSON Schema, by which an editor completes and explains: the path to the installed package,
 * which is the same wherever the project lies and needs no network.
 */
const schemaFor = (folder: string, name: string) =>
  posix.join(posix.relative(folder, "node_modules/ocaptain/plans/schema"), name);

/** A plan of three tasks that the hand \`rehearsal\` can do in any repository. */
function examplePlan(): Record<string, string> {
  const folder = "plans/example";
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
      description: "Write how many lines census/files.txt has to census/count.txt.",
      blockedBy: ["1"],
      metadata: {
        rehearsal: "wc -l < census/files.txt > census/count.txt",
        check: "test -s census/count.txt",
        touches: ["census/count.txt"],
      },
    },
    {
      subject: "Find the kinds of files",
      description: "Write each ending of a file's name in census/files.txt to census/kinds.txt, once and in order.",
      blockedBy: ["1"],
      metadata: {
        rehearsal: "sed -n 's/.*\\.//p' census/files.txt | sort -u > census/kinds.txt",
        check: "test -f census/kinds.txt",
        touches: ["census/kinds.txt"],
      },
    },
  ].map((task, i) => ({ $schema: schemaFor(`${folder}/tasks`, "task.json"), id: String(i + 1), ...task }));
  const voyage = { $schema: schemaFor(folder, "voyage.json"), name: "example", repo: ".", recommended_ships: 2 };
  return {
    [`${folder}/spec.md`]: "# A census of this repository\n\nWhich files are there, how many, and of what kinds.\n",
    [`${folder}/verify.sh`]:
      "#!/bin/sh\n# Runs in a fresh checkout of the result; exit status 0 says that it is verified.\nset -e\ntest -f census/files.txt\ntest -s census/count.txt\ntest -f census/kinds.txt\n",
    [`${folder}/voyage.json`]: json(voyage),
    ...Object.fromEntries(tasks.map((task) => [`${folder}/tasks/${task.id}.json`, json(task)])),
  };
}
