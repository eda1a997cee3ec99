import { existsSync } from "node:fs";
import { explain, OcaptainError } from "../base/errors.ts";
import { inDotEnv } from "../base/secret-hints.ts";
import { typedWord } from "../base/shell-word.ts";
import { plain } from "../base/text.ts";
import { shallowRepo } from "./source-problems.ts";

/** A repository as it was named, and its path where that is on this machine. */
type Named = { repo: string; path: string | undefined };
type Reason = { said: RegExp; message: (named: Named) => string; hint: (named: Named) => string };

const cannot =
  (why: string) =>
  ({ repo }: Named) =>
    `repository "${repo}" cannot be read: ${why}`;
const look = ({ repo }: Named) => `git ls-remote ${word(repo)} HEAD`;
/** A `~/` stays outside of the quotes, or the shell would not know it. */
const word = (text: string) => (text.startsWith("~/") ? `~/${typedWord(text.slice(2))}` : typedWord(text));

/** The reasons that people meet, by what git says of them in LC_ALL=C. The first that fits counts. */
const REASONS: readonly Reason[] = [
  {
    said: /dubious ownership/,
    message: ({ repo }) => `repository "${repo}" belongs to another user, and git does not read it`,
    hint: ({ repo }) =>
      `sudo chown -R "$(id -un)" ${repo}; or sail a copy of yours: cp -r ${repo} ${repo}-copy && pulumi config set ocaptain:repo ${repo}-copy`,
  },
  {
    said: /is shallow, reject/,
    message: ({ repo }) => shallowRepo(repo),
    hint: ({ repo }) => `git -C ${repo} fetch --unshallow  # where it is a folder of this machine`,
  },
  {
    said: /Could not resolve host/i,
    message: cannot("its host is not found (it may be misspelt, or this machine off line)"),
    hint: look,
  },
  {
    said: /took longer than|timed out/i,
    message: cannot("its host does not answer in time"),
    hint: look,
  },
  {
    said: /Connection refused|Failed to connect|Couldn't connect/i,
    message: cannot("nobody answers at its host"),
    hint: look,
  },
  {
    said: /Host key verification failed/,
    message: cannot("ssh does not know the key of its host"),
    hint: (named) => `${look(named)}  # ssh shows the key and asks whether to trust it`,
  },
  {
    said: /Permission denied \(/,
    message: cannot("its host lets none of this machine's ssh keys in"),
    hint: look,
  },
  {
    said: /could not read (Username|Password)|Authentication failed|returned error: 40[13]/,
    message: cannot("it is private, or is not there, and nothing was given that lets git in"),
    hint: () =>
      `for a private repository of GitHub: ${inDotEnv("GH_TOKEN")}; of Gitea or Forgejo: GITEA_TOKEN=… and GITEA_SERVER_URL=… there; for another: its address for ssh`,
  },
  {
    said: /repository .*not found/i,
    message: cannot("its host has none of that name, or shows it to others only"),
    hint: () => `correct ocaptain:repo, or repo in voyage.json; for a private repository of GitHub: ${inDotEnv("GH_TOKEN")}`,
  },
];

/** Says of a repository that git could not read why that is and what helps, in our words as far as they go. */
export function unreadable(named: Named, cause: unknown): OcaptainError {
  const { repo, path } = named;
  const words = explain(cause);
  const reason = REASONS.find(({ said }) => said.test(words));
  const refused = (message: string, hint: string) => new OcaptainError("REPO_UNREADABLE", message, { hint });
  if (reason) return refused(reason.message(named), reason.hint(named));
  if (path !== undefined && !existsSync(path))
    return refused(cannot("there is no such folder")(named), "correct ocaptain:repo, or repo in the plan's voyage.json");
  if (path !== undefined && /does not appear to be a git repository|not a git repository|does not exist/.test(words)) {
    const at = word(path);
    return refused(
      cannot("that folder is no git repository")(named),
      `git -C ${at} init && git -C ${at} add . && git -C ${at} commit -m Start  # makes one of it`,
    );
  }
  return refused(cannot(`git says "${lastWords(words)}"`)(named), look({ repo, path }));
}

/** Advice with which git ends, whatever has happened. */
const ADVICE = /^(Please make sure you have|and the repository exists)|Could not read from remote repository/;

/** The last line in which git says what has happened. */
function lastWords(words: string): string {
  const lines = words
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !ADVICE.test(line));
  return plain(lines.at(-1)?.replace(/^(?:git \S+ failed \([^)]*\): )?(?:(?:fatal|error|remote): )*/i, "") ?? "nothing", {
    most: 300,
  });
}
