import { OcaptainError } from "../../../lib/base/errors.ts";
import { plain } from "../../../lib/base/text.ts";
import { personalAuthor } from "../../../lib/git/author.ts";
import { git, gitLine } from "../../../lib/git/run.ts";
import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Head, ShapeAsk } from "./heads.ts";
import { stackOfWaves } from "./stack.ts";

/**
 * Makes the commits that are pushed, in the voyage's own repository, and moves nothing there. The same tip gives the
 * same commits, so that a landing which was cut short goes on with them.
 * @throws OcaptainError STACK
 */
export async function shape(voyage: KnownVoyage, ask: ShapeAsk): Promise<Head[]> {
  const { branch, base, history } = ask;
  if (ask.how === "per-task") return [{ branch, head: history.tip, base }];
  if (ask.how === "squash") return [{ branch, head: await squash(voyage, ask), base }];
  return stackOfWaves(voyage, ask);
}

/** How many tasks a squashed commit names. */
const MOST_NAMED = 200;
const MOST_TITLE = 200;

/** One commit with the tip's tree on the base. */
async function squash({ file, folder }: KnownVoyage, { held, title, history }: ShapeAsk): Promise<string> {
  const bare = { gitDir: folder.repo };
  const fields = "%an%x1f%ae%x1f%(trailers:key=Signed-off-by,valueonly,separator=%x1e)";
  const shown = await git(["log", "-z", "--first-parent", `--format=${fields}`, history.tip, `^${held}`, "--"], bare);
  const rows = shown.stdout.split("\0").map((line) => line.split("\x1f"));
  const authors = new Map(rows.flatMap(([name, email]) => (name ? [[`${name} <${email}>`, { name, email: email ?? "" }]] : [])));
  const author = authors.size === 1 ? [...authors.values()][0] : await personalAuthor(folder.workspace);
  const signed = [...new Set(rows.flatMap(([, , names]) => (names ?? "").split("\x1e")))].filter(Boolean);
  const date = await gitLine(["show", "--no-patch", "--no-show-signature", "--format=%cd", "--date=raw", history.tip], bare);
  const named = history.tasks
    .slice(0, MOST_NAMED)
    .map(({ task, subject }) => `- ${plain(subject, { most: MOST_TITLE })} (task ${task})`);
  const more = history.tasks.length - named.length;
  const lines = [
    ...[plain(title, { most: MOST_TITLE }), "", ...named, ...(more > 0 ? [`- and ${more} tasks more`] : []), ""],
    ...[`Voyage: ${file.voyageId}`, ...signed.map((name) => `Signed-off-by: ${plain(name, { most: MOST_TITLE })}`)],
  ];
  return gitLine(["commit-tree", `${history.tip}^{tree}`, "-p", held, "-F", "-"], {
    ...bare,
    stdin: `${lines.join("\n")}\n`,
    env: {
      ...(author && { GIT_AUTHOR_NAME: author.name, GIT_AUTHOR_EMAIL: author.email }),
      ...{ GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
    },
  });
}

/** @throws OcaptainError BRANCH where a branch of that name keeps a stack from being made, or is kept by one */
export function assertRoom(how: LandingFile["how"], branch: string, there: ReadonlyMap<string, string>, stack: string): void {
  const inTheWay =
    how === "stack" ? (there.has(branch) ? branch : undefined) : [...there.keys()].find((name) => name.startsWith(`${branch}/`));
  if (inTheWay === undefined) return;
  throw new OcaptainError(
    "BRANCH",
    `there is a branch ${inTheWay} already, and beside it git allows no branch ${how === "stack" ? `${branch}/1` : branch}`,
    { hint: `another branch: ocaptain land ${stack} --branch NAME${how === "stack" ? " --stack" : ""}` },
  );
}
