// Shared by all parts of the survey: what is surveyed, and how a part is written down.
// The survey is of the commit that survey/base.json names, never of its own files or commits.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** git's output as text; the largest histories fit. */
export function git(...args) {
  return execFileSync("git", ["--no-pager", ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** {commit, name, files, bytes, commits, at}: written by the first task. */
export const base = () => readPart("base");

/** The files of a commit: {path, bytes, blob}, in git's order. Links, submodules and the survey itself are left out. */
export function filesOf(commit) {
  return git("ls-tree", "-r", "-l", "-z", commit)
    .split("\0")
    .filter(Boolean)
    .map((entry) => {
      const [facts, path] = [entry.slice(0, entry.indexOf("\t")), entry.slice(entry.indexOf("\t") + 1)];
      const [mode, , blob, bytes] = facts.split(/ +/);
      return { mode, path, blob, bytes: Number(bytes) };
    })
    .filter((file) => file.mode.startsWith("100") && !file.path.startsWith("survey/"))
    .map(({ path, blob, bytes }) => ({ path, blob, bytes }));
}

export const files = () => filesOf(base().commit);

/** A file's text, or null when it is binary, too large to be written by hand (2 MB), or not in the tree. */
export function text(path) {
  try {
    const bytes = readFileSync(path);
    return bytes.length > 2e6 || bytes.subarray(0, 8000).includes(0) ? null : bytes.toString("utf8");
  } catch {
    return null;
  }
}

export const countLines = (content) => (content === "" ? 0 : content.split("\n").length - (content.endsWith("\n") ? 1 : 0));

/** Brought in or made by machine: lock files, bundles, vendored code. */
export const isMade = (path) =>
  /(^|\/)(node_modules|vendor|third_party|dist|build)\//.test(path) ||
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|[^/]*\.lock|go\.sum|pnpm-lock\.yaml)$/.test(path) ||
  /\.min\.(js|css)$|\.map$/.test(path);

export const isTest = (path) =>
  /(^|\/)(tests?|__tests__|spec|testdata|fixtures)\//i.test(path) ||
  /([._-](test|spec)\.[^/]+|_test\.(go|py|rs)|(^|\/)test_[^/]+\.py)$/i.test(path);

/** First folder of a path; "(root)" for files at the top. */
export const topFolder = (path) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "(root)");

/** Adds up rows by key: Map key -> the same object, changed by `add`. */
export function tally(rows, keyOf, fresh, add) {
  const sums = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (!sums.has(key)) sums.set(key, fresh(key));
    add(sums.get(key), row);
  }
  return [...sums.values()];
}

/** Largest first; ties by name, so that two runs give the same bytes. */
export const byMost = (value, name) => (a, b) => value(b) - value(a) || (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0);

/** [{name, count}] of the rows' keys, most first. */
export const countBy = (rows, keyOf) =>
  tally(
    rows,
    keyOf,
    (name) => ({ name, count: 0 }),
    (sum) => (sum.count += 1),
  ).sort(
    byMost(
      (row) => row.count,
      (row) => row.name,
    ),
  );

export const readPart = (part) => JSON.parse(readFileSync(`survey/${part}.json`, "utf8"));

export function writePart(part, data, says) {
  writeText(`survey/${part}.json`, `${JSON.stringify(data, null, 1)}\n`);
  console.log(says);
}

export function writeText(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
