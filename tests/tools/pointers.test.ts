import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** The files that people read and write here: code, scripts, documents and settings. */
const READABLE = /\.(ts|mjs|sh|md|yaml)$|^bin\//;
/** The folders of the repository: a path in a comment or a document that begins with one of them must exist. */
const ROOMS =
  "bench|bin|cli|components|crew|docs|dynamic-providers|harbor|helm|home-port|lib|plans|stacks|tailnet-policy|tests|tools";

/** Names such as `x.test.ts` that stand for any file. */
const EXAMPLE = /(^|\/)([a-z]|script)\.[\w.]+$/;

const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" })
  .split("\0")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));
/** Texts that name files of another repository, for which the plan is. */
const OF_OTHERS = /^plans\/(commands|first|modules)\//;
const files = tracked.filter((file) => READABLE.test(file) && !OF_OTHERS.test(file));
const baseNames = new Set(tracked.map((file) => basename(file)));
const textOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

test("each document that a comment or a document points to is there, with the heading that it names", () => {
  const pointers = files.flatMap((file) => pointersOf(file, textOf(file)));
  expect(pointers.length).toBeGreaterThan(100);
  const wrong = pointers.filter(({ target, anchor }) => !leads(target, anchor));
  expect(wrong.map(({ file, line, said }) => `${file}:${line}  ${said}`)).toEqual([]);
});

test("each file and folder of the repository that a comment or a document names is there", () => {
  const wrong = files.flatMap((file) =>
    namedFiles(file, textOf(file))
      .filter(({ said }) => !EXAMPLE.test(said))
      .filter(({ said }) => (said.includes("/") ? !existsSync(join(ROOT, said)) : !baseNames.has(said)))
      .map(({ line, said }) => `${file}:${line}  ${said}`),
  );
  expect(wrong).toEqual([]);
});

/** Words that point to papers which a reader of the repository does not have. */
const ELSEWHERE = [
  /\bdesign \d/i,
  /\bdesign\.md, /,
  /\bdocs\/design(?!\.md)/,
  /\bfacts: (bubblewrap|claude-code|field|gitea|mutagen|ocaptain|packaging|plan-formats|pulumi|sprites|tailnet)/,
  /\bhouse-style/,
  /\bissue \d/i,
  /\bshared\/(design|facts|found|rooms)/,
  /§/,
];

test("nothing points to a paper that is not in the repository", () => {
  const wrong = files
    .filter((file) => file !== "tests/tools/pointers.test.ts")
    .flatMap((file) =>
      linesOf(textOf(file))
        .filter(({ text }) => ELSEWHERE.some((words) => words.test(text)))
        .map(({ line, text }) => `${file}:${line}  ${text.trim()}`),
    );
  expect(wrong).toEqual([]);
});

test.each([
  ["## Captain's folder", "captains-folder"],
  ["### `ocaptain status`, and *more*", "ocaptain-status-and-more"],
  ["## [The crew's own git](adr/x.md)", "the-crews-own-git"],
  ["# GH_TOKEN on ships", "gh_token-on-ships"],
])("the anchor of %s is %s", (heading, anchor) => {
  expect(anchorsOf(heading)).toEqual(new Set([anchor]));
});

type Pointer = { file: string; line: number; said: string; target: string; anchor: string | undefined };

/**
 * The pointers in a file: `docs/….md#anchor` in any file, and the links of a document, which are relative to its
 * folder.
 */
function pointersOf(file: string, text: string): Pointer[] {
  const isDocument = file.endsWith(".md");
  return linesOf(text).flatMap(({ line, text: said }) => {
    const named = [...said.matchAll(/(?<![\w./-])docs\/[\w./-]+\.md(?:#([\w-]+))?/g)].map(([word, anchor]) => ({
      word,
      target: word.split("#")[0]!,
      anchor,
    }));
    const linked = !isDocument
      ? []
      : [...said.replace(/`[^`]*`/g, "").matchAll(/\]\((?![a-z]+:)([^)\s#]*)(?:#([\w-]+))?\)/g)].map(([word, path, anchor]) => ({
          word,
          target: path === "" ? file : normalize(join(dirname(file), path!)),
          anchor,
        }));
    return [...named, ...linked].map(({ word, target, anchor }) => ({ file, line, said: word, target, anchor }));
  });
}

function leads(target: string, anchor: string | undefined): boolean {
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || (target.endsWith(".md") && anchorsOf(textOf(target)).has(anchor));
}

/** The anchors that GitHub gives to a document's headings. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const { text: heading } of linesOf(text.replace(/^```[\s\S]*?^```/gm, ""))) {
    const words = /^#{1,6} +(.*?) *$/.exec(heading)?.[1]?.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    if (words === undefined) continue;
    const slug = words
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    for (let again = 0; ; again++) {
      const anchor = again === 0 ? slug : `${slug}-${again}`;
      if (anchors.has(anchor)) continue;
      anchors.add(anchor);
      break;
    }
  }
  return anchors;
}

/**
 * The paths of the repository's own files and folders, and bare names of code files, that a text names: in a document
 * those in code quotes, elsewhere those in comments.
 */
function namedFiles(file: string, text: string): { line: number; said: string }[] {
  const paths = [
    new RegExp(`(?<![\\w./~-])(?:${ROOMS})/[\\w./-]+\\.(?:ts|mjs|sh|md)\\b`, "g"),
    new RegExp(`(?<![\\w./~-])(?:${ROOMS})/(?:[\\w-]+/)+(?![\\w.*<])`, "g"),
    /(?<![\w./*-])[\w-]+(?:\.test)?\.(?:ts|mjs)\b/g,
  ];
  return linesOf(text).flatMap(({ line, text: whole }) => {
    const read = file.endsWith(".md")
      ? [...whole.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)
      : [/^\s*(?:\/?\*|\/\/|#)/.test(whole) ? whole : (/\s\/\/ (.*)$/.exec(whole)?.[1] ?? "")];
    return read.flatMap((words) => paths.flatMap((path) => [...words.matchAll(path)].map(([said]) => ({ line, said }))));
  });
}

const linesOf = (text: string) => text.split("\n").map((line, index) => ({ line: index + 1, text: line }));
