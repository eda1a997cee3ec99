import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** A repository on GitHub, as the prior art and GitHub's own tools write it. */
const ON_GITHUB = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\/(?!\.{1,2}$)([a-z0-9._-]+?)(?:\.git)?$/i;
const URL_OR_HOST = /^([a-z][a-z0-9+.-]*:\/\/|[^/.~][^/]*:)/i;

/**
 * Works out which repository is meant by a text in a file of the folder `from`: a URL, `owner/name` on GitHub, or a
 * path, which begins with `./`, `../`, `/` or `~` and is relative to `from`. `.` is the repository that `from` lies in.
 *
 * Returns a URL or a path, or in words what is wrong. A relative path is returned relative to the project, in whose
 * folder this process runs: it goes into Pulumi's state, where no absolute path of ours belongs. Other paths are
 * returned as they were written.
 */
export function meantRepo(text: string, from: string): { repo: string } | { problem: string } {
  if (URL_OR_HOST.test(text)) return { repo: text };
  if (/^(\/|~\/|~$)/.test(text)) return { repo: text };
  if (text === "." || text === "./") {
    const around = repositoryAround(from);
    if (around !== undefined) return { repo: fromHere(around) };
    return { problem: `is ".", the repository that ${resolve(from)} lies in, and it lies in none: ${WAYS}` };
  }
  if (/^\.\.?(\/|$)/.test(text)) return { repo: fromHere(resolve(from, text)) };
  const github = ON_GITHUB.exec(text);
  if (github) return { repo: `https://${process.env.GH_HOST || "github.com"}/${github[1]}/${github[2]}` };
  const there = existsSync(resolve(from, text)) ? `; did you mean ./${text}?` : "";
  return { problem: `must be ${WAYS}${there}` };
}

const WAYS = "a URL, owner/name on GitHub, or a path that begins with ./, ../, / or ~";

/** Finds the repository that a folder lies in: the folder itself or the nearest one above it that has a `.git`. */
export function repositoryAround(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** Writes a path so that it cannot be taken for `owner/name`. */
function fromHere(path: string): string {
  const way = relative(process.cwd(), path);
  return way === "" ? "." : way.startsWith("..") ? way : `./${way}`;
}
