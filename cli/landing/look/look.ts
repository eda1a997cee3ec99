import { counted } from "../../../lib/base/counted.ts";
import { plain } from "../../../lib/base/text.ts";
import type { History } from "../history.ts";
import { contentsOf, sizesOf } from "./blobs.ts";
import { type Finding, type Found, fingerprintOf } from "./finding.ts";
import { type Introduced, introduced } from "./introduced.ts";
import { looked } from "./looked.ts";
import { plantedIn, type Secret } from "./planted.ts";
import { scan, type Text } from "./scan.ts";
import { submodulesWithout } from "./submodules.ts";

/** A larger file is refused, and is not read; GitHub warns from here on, and refuses twice that. */
const MOST_FILE = 50 * 1024 * 1024;
/** The most findings that are told, the first ones. */
export const MOST_FINDINGS = 200;
/** A pointer of Git LFS stands in place of a file's content, and is shorter than this. */
const MOST_POINTER = 1_024;
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n/;

export type LookAsk = {
  /** The repository that is pushed from. */
  gitDir: string;
  /** The commit that the other side has already; null when it has none. */
  from: string | null;
  /** The commit that is pushed. */
  to: string;
  /** The history of the voyage's branch, which tells whose a finding is. */
  history: History;
  /** What must not be pushed in any case: the captain's own secrets. */
  secrets: readonly Secret[];
  /** The fingerprints of findings that are to be pushed all the same. */
  allowed?: readonly string[];
  /** The address to which is pushed: an address of a submodule may be relative to it. */
  remote?: string;
  /** The most bytes of a file. @default 50 MiB */
  mostBytes?: number;
  signal?: AbortSignal;
};

/**
 * Looks at all that a push brings: each version of each file in each commit, and the commits' messages. Finds secrets
 * of this captain's and what looks like one, files that are too big, submodules and LFS pointers that lead nowhere. Of
 * what is in many versions of a file the first is told. Nothing of a secret is in a finding.
 */
export async function lookAtPush(ask: LookAsk): Promise<Finding[]> {
  const { gitDir, from, to, secrets, allowed = [], mostBytes = MOST_FILE, signal } = ask;
  const { files, submodules, messages } = await introduced(gitDir, from, to);
  signal?.throwIfAborted();
  const sizes = await sizesOf(
    gitDir,
    files.map(({ blob }) => blob),
  );
  const found = new Map<string, Found>();
  const add = (each: Found) => {
    if (allowed.includes(each.fingerprint) || found.has(each.fingerprint) || found.size >= MOST_FINDINGS) return;
    found.set(each.fingerprint, each);
  };
  const small: Introduced[] = [];
  for (const file of files) {
    const size = sizes.get(file.blob) ?? 0;
    if (size <= mostBytes) small.push(file);
    else add(fileFound(file, "big", `a file of ${mebi(size)}, and ${mebi(mostBytes)} is the most`, file.blob));
  }
  const planted = plantedIn(secrets);
  const texts = textsOf(gitDir, small, messages, add, signal);
  for await (const { of, match, line, found: secret } of scan(texts, (text) => looked(text, planted))) {
    signal?.throwIfAborted();
    const { commit, path } = of;
    add({ rule: match.rule, what: match.what, file: path, line, commit, fingerprint: fingerprintOf(match.rule, path, secret) });
  }
  for (const { why, ...file } of await submodulesWithout({ ...ask, submodules }))
    add(fileFound(file, "submodule", why, file.blob));
  return withTasks(ask, [...found.values()]);
}

const mebi = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;

type Place = { commit: string; path: string | null };

/** The texts to look at. What is no text is looked at, too: a secret in it has the same bytes. */
async function* textsOf(
  gitDir: string,
  files: readonly Introduced[],
  messages: readonly { commit: string; text: string }[],
  add: (found: Found) => void,
  signal?: AbortSignal,
): AsyncGenerator<Text<Place>> {
  for (const { commit, text } of messages) yield { of: { commit, path: null }, text };
  let at = 0;
  for await (const { content } of contentsOf(
    gitDir,
    files.map(({ blob }) => blob),
    signal,
  )) {
    const file = files[at++]!;
    const text = decoded(content);
    const [, object] = (content.length <= MOST_POINTER && POINTER.exec(text)) || [];
    if (object !== undefined)
      add(
        fileFound(
          file,
          "lfs",
          `a pointer of Git LFS, whose object ${object.slice(0, 12)} no push of a branch brings along`,
          object,
        ),
      );
    yield { of: { commit: file.commit, path: file.path }, text };
  }
}

/** A file's text; bytes as they are, where it is none. */
function decoded(content: Buffer): string {
  if (content[0] === 0xff && content[1] === 0xfe) return content.toString("utf16le");
  return content.toString(content.subarray(0, 8_000).includes(0) ? "latin1" : "utf8");
}

const fileFound = ({ commit, path }: Introduced, rule: string, what: string, found: string): Found => ({
  ...{ rule, what, file: path, line: null, commit },
  fingerprint: fingerprintOf(rule, path, found),
});

/**
 * Tells whose each finding is. Where the commit is no task's, because all were made one, it is that of the branch's
 * first commit that brings the same file.
 */
async function withTasks({ gitDir, history }: LookAsk, found: readonly Found[]): Promise<Finding[]> {
  const byCommit = new Map(history.tasks.map((task) => [task.commit, task]));
  const byPath = new Map<string, string>();
  if (found.some(({ commit, file }) => file !== null && !byCommit.has(commit)))
    for (const { commit, path } of (await introduced(gitDir, history.start, history.tip)).files)
      if (byCommit.has(commit)) byPath.set(path, commit);
  return found.map((each) => {
    const { task = null, ship = null } = byCommit.get(each.commit) ?? byCommit.get(byPath.get(each.file ?? "") ?? "") ?? {};
    return { ...each, task, ship };
  });
}

/** A finding in one line, which shows nothing of a secret. */
export function findingText({ what, file, line, commit, task, ship, fingerprint }: Finding): string {
  const place = file === null ? "the message of a commit" : `${plain(file, { most: 200 })}${line === null ? "" : `:${line}`}`;
  const whose =
    task === null ? `commit ${commit.slice(0, 8)}` : `task #${task}${ship === null ? "" : ` by ${plain(ship, { most: 60 })}`}`;
  return `${place}: ${what} (${whose}; ${fingerprint})`;
}

/** All findings for an error's message. */
export const findingsText = (findings: readonly Finding[]): string => {
  const shown = findings.slice(0, 20);
  const more = findings.length - shown.length;
  return [
    ...shown.map((each) => `  - ${findingText(each)}`),
    ...(more > 0 ? [`  - and ${counted(more, "more finding")}`] : []),
  ].join("\n");
};
