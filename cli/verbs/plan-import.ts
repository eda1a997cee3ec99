import { basename, join, relative, resolve, sep } from "node:path";
import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { withHome } from "../../lib/base/paths.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { repositoryAround } from "../../lib/plan/repo.ts";
import type { Io } from "../output/io.ts";
import { cluesOf } from "../plan/import/clues.ts";
import { readGithub } from "../plan/import/github.ts";
import { askGithub } from "../plan/import/github-api.ts";
import { proposeVerify } from "../plan/import/propose-verify.ts";
import { type ReadSource, readLocal } from "../plan/import/read-source.ts";
import { report } from "../plan/import/report.ts";
import { settle } from "../plan/import/settle.ts";
import { FORMATS, type Format } from "../plan/import/shape.ts";
import { writeImported } from "../plan/import/write-plan.ts";
import { slug } from "../sail/meant.ts";

type Options = {
  from?: string;
  out?: string;
  repo?: string;
  parallel?: boolean;
  tag?: string;
  label?: string;
  milestone?: string;
};

/**
 * `ocaptain plan import <source> --from format` makes a plan of a list of tasks in another tool's format. It changes
 * nothing there, runs nothing of it, and says all that it has guessed or left out.
 * @throws OcaptainError USAGE, NO_SOURCE, SOURCE, NOTHING_TO_DO, OUT, PLAN, GITHUB…
 */
export async function planImport(word: string, options: Options, io: Io): Promise<void> {
  const from = formatOf(options.from);
  const { source, name, folder } = from === "github" ? await ofGithub(word, options, io) : await readLocal(from, word, options);
  const settled = settle(source);
  if (settled.tasks.length === 0)
    throw new OcaptainError(
      "NOTHING_TO_DO",
      `${word} has no open task: ${counted(settled.leftOut.length, "task")} are done or put off`,
    );
  const around = repositoryAround(folder);
  const out = resolve(options.out === undefined ? join("plans", slug(name)) : withHome(options.out));
  const verify =
    around === undefined || (from === "github" && repoOf(options, around, out, word, from) !== undefined)
      ? null
      : proposeVerify(await cluesOf(around));
  const repo = repoOf(options, around, out, word, from);
  const inRepository = (file: string) => {
    const path = around === undefined ? ".." : relative(around, resolve(file));
    return path.startsWith("..") ? undefined : path.split(sep).join("/");
  };
  const title = source.title.trim() || name;
  const shortened = await writeImported(out, { from, where: word, title, source, settled, verify, repo, inRepository });
  const said = report({
    from,
    where: word,
    out,
    source,
    settled,
    verify,
    notes: [...source.notes, ...settled.notes, ...shortened],
  });
  if (io.json) return io.out(plainJson(said.json, 2));
  for (const line of said.remarks) io.note(line);
  const way = relative(process.cwd(), out);
  const here = typedWord(way.startsWith("..") ? out : `./${way}`);
  const left = settled.leftOut.length > 0 ? `, ${settled.leftOut.length} left out` : "";
  io.out(`made ${here}: ${counted(settled.tasks.length, "task")} of ${word} (${from})${left}`);
  io.out(`next: ocaptain plan check ${here}  # then commit it, and: ocaptain sail ${here}`);
}

function formatOf(said: string | undefined): Format {
  const format = FORMATS.find((each) => each === said);
  if (format) return format;
  throw new OcaptainError(
    "USAGE",
    `--from ${said === undefined ? "is missing" : `${said} is no format`}: ${FORMATS.join(", ")}`,
    {
      hint: "ocaptain plan import --help",
    },
  );
}

async function ofGithub(word: string, { label, milestone, parallel = false }: Options, io: Io): Promise<ReadSource> {
  const repo = word.replace(/^https:\/\/github\.com\//, "").replace(/(\.git)?\/*$/, "");
  if (!/^[\w.-]{1,100}\/(?!\.{1,2}$)[\w.-]{1,100}$/.test(repo))
    throw new OcaptainError("USAGE", `${word} is no repository on GitHub: OWNER/NAME is wanted`, {
      hint: "ocaptain plan import --help",
    });
  const answers = await askGithub({ repo, label, milestone }, io.progress);
  return { source: readGithub(answers, parallel), name: basename(repo), folder: "." };
}

/** What voyage.json says of the repository: nothing where the plan lies in the one that is meant. */
function repoOf(options: Options, around: string | undefined, out: string, word: string, from: Format): string | undefined {
  if (options.repo !== undefined) return options.repo;
  if (from === "github") return word;
  if (around === undefined || repositoryAround(out) === around) return undefined;
  const way = relative(out, around);
  return way.startsWith(".") ? way : `./${way}`;
}
