import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { withHome } from "../../lib/base/paths.ts";
import { shellWord, typedWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { meantRepo } from "../../lib/plan/repo.ts";
import type { Io } from "../output/io.ts";
import { schemasFor } from "../plan/schemas.ts";
import { examplePlan, writeNew } from "../sail/new-project.ts";

/**
 * `ocaptain plan new <folder>` begins a plan by the example that `init` has, which sails as it is.
 * @throws OcaptainError NO_REPOSITORY where none is named and the folder lies in none; FOLDER_TAKEN
 */
export async function planNew(word: string, { repo = "." }: { repo?: string }, io: Io): Promise<void> {
  const folder = resolve(withHome(word));
  const meant = meantRepo(repo, repo === "." ? folder : process.cwd());
  if ("problem" in meant)
    throw repo === "."
      ? new OcaptainError("NO_REPOSITORY", `${folder} lies in no repository, and a plan is for one`, {
          hint: `ocaptain plan new ${typedWord(word)} --repo owner/name  # or a URL, or a path; or begin one: git init`,
        })
      : new OcaptainError("USAGE", `--repo ${repo} ${meant.problem}`, { hint: "ocaptain plan new --help" });
  if ((await readdir(folder).catch(() => [])).length > 0)
    throw new OcaptainError("FOLDER_TAKEN", `${folder} has files in it, and nothing is overwritten`, {
      hint: `ocaptain plan check ${typedWord(word)}  # or name a folder that is not there`,
    });
  // A path counts from the plan's folder.
  const written = repo !== "." && /^\.\.?(\/|$)/.test(repo) ? resolve(repo) : repo;
  const files = Object.entries(examplePlan({ folder: ".", name: basename(folder), repo: written, schemas: schemasFor(folder) }));
  for (const [name, text] of files) await writeNew(join(folder, name), text);
  const next = [
    `ocaptain plan add ${typedWord(word)} ${shellWord("What is to be done")} --after 1`,
    `ocaptain plan check ${typedWord(word)}`,
  ];
  if (io.json) return io.out(plainJson({ folder, written: files.map(([name]) => name), next }, 2));
  io.out(`made in ${folder}:`);
  for (const [name] of files) io.out(`  ${name}`);
  io.out(
    "It is an example, which sails as it is. Write what you want into spec.md and tasks/, and how it is proven into verify.sh.",
  );
  io.out("next:");
  for (const line of next) io.out(`  ${line}`);
}
