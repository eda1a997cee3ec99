import { basename, join, relative, resolve, sep } from "node:path";
import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { withHome } from "../../lib/base/paths.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { gitLine } from "../../lib/git/run.ts";
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
import { slug } from "../sail/slug.ts";

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
  const here = repositoryAround(folder);
  const around = source.scope === undefined || (await isCloneOf(here, source.scope)) ? here : undefined;
  const out = resolve(options.out === undefined ? join("plans", slug(name)) : withHome(options.out));
  const verify = around === undefined ? null : proposeVerify(await cluesOf(around));
  const repo = options.repo ?? (around === undefined ? source.scope : wayTo(around, out));
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
  const shown = typedWord(way.startsWith("..") ? out : `./${way}`);
  const left = settled.leftOut.length > 0 ? `, ${settled.leftOut.length} left out` : "";
  io.out(`made ${shown}: ${counted(settled.tasks.length, "task")} of ${word} (${from})${left}`);
  io.out(`next: ocaptain plan check ${shown}  # then commit it, and: ocaptain sail ${shown}`);
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

/** What voyage.json says of a repository on this machine: nothing where the plan lies in it. */
function wayTo(repository: string, out: string): string | undefined {
  if (repositoryAround(out) === repository) return undefined;
  const way = relative(out, repository);
  return way.startsWith(".") ? way : `./${way}`;
}

/** Whether a repository here was cloned from that one on GitHub. */
async function isCloneOf(repository: string | undefined, name: string): Promise<boolean> {
  if (repository === undefined) return false;
  const origin = await gitLine(["config", "--get", "remote.origin.url"], { cwd: repository, okCodes: [0, 1, 128] });
  return (
    origin
      .replace(/(\.git)?\/*$/, "")
      .toLowerCase()
      .match(/([^/:]+\/[^/:]+)$/)?.[1] === name.toLowerCase()
  );
}
