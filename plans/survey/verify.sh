#!/usr/bin/env bash
# Is the survey whole and true? Run in a fresh checkout of the voyage's branch; exit status 0 and one line, or what is wrong.
set -euo pipefail

node --input-type=commonjs - <<'END'
const { execFileSync } = require("node:child_process");
const { existsSync, readFileSync } = require("node:fs");
const wrong = [];
const hold = (truth, text) => truth || wrong.push(text);
const git = (...args) => execFileSync("git", args, { encoding: "utf8", maxBuffer: 1 << 30 });
const parts = ["languages", "largest", "history", "authors", "rhythm", "churn", "todos", "imports", "folders", "tests", "health", "duplicates"];

const read = (name) => {
  try {
    return JSON.parse(readFileSync(`survey/${name}.json`, "utf8"));
  } catch (error) {
    wrong.push(`survey/${name}.json: ${error.message}`);
    return null;
  }
};
const base = read("base");
const part = Object.fromEntries(parts.map((name) => [name, read(name)]));
const finish = () => {
  if (wrong.length === 0) return;
  console.error(wrong.join("\n"));
  process.exit(1);
};
finish();

// Counted anew, by other means than the survey's own tools.
const blobs = git("ls-tree", "-r", "-l", "-z", base.commit).split("\0").filter((line) => line.startsWith("100") && !line.split("\t")[1].startsWith("survey/"));
const bytes = blobs.reduce((sum, line) => sum + Number(line.split("\t")[0].split(/ +/)[3]), 0);
const commits = Number(git("rev-list", "--count", base.commit));
const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0);
hold(git("merge-base", base.commit, "HEAD").trim() === base.commit, "the surveyed commit is no ancestor of this one");
hold(base.files === blobs.length, `base.json: ${base.files} files, git has ${blobs.length}`);
hold(base.bytes === bytes, `base.json: ${base.bytes} bytes, git has ${bytes}`);
hold(base.commits === commits, `base.json: ${base.commits} commits, git has ${commits}`);
hold(sum(part.languages.languages, "files") === blobs.length, "languages do not add up to all files");
hold(sum(part.languages.languages, "bytes") === bytes, "languages do not add up to all bytes");
hold(sum(part.largest.sizes, "files") === blobs.length, "sizes do not add up to all files");
hold(sum(part.folders.folders, "bytes") === bytes, "folders do not add up to all bytes");
hold(sum(part.history.months, "commits") === commits, "months do not add up to all commits");
hold(sum(part.authors.authors, "commits") === commits, "authors do not add up to all commits");
hold(part.rhythm.grid.flat().reduce((a, b) => a + b, 0) === commits, "the week does not add up to all commits");
hold(sum(part.imports.edges, "count") === part.imports.inside, "imports do not add up");
hold(sum(part.todos.kinds, "count") === part.todos.total, "notes for later do not add up");
hold(part.health.checks.filter((check) => check.ok).length === part.health.passed, "health does not add up");

const outside = git("diff", "--name-only", "-z", base.commit, "HEAD").split("\0").filter((path) => path && !path.startsWith("survey/"));
hold(outside.length === 0, `changed outside survey/: ${outside.slice(0, 5).join(", ")}`);

// The report: whole, well-formed, and needing nothing else.
hold(existsSync("survey/report.html"), "survey/report.html is missing");
finish();
const html = readFileSync("survey/report.html", "utf8");
for (const id of ["shape", "life", "care"]) hold(html.includes(`<section id="${id}">`), `the report has no section "${id}"`);
const figures = html.match(/<figure /g)?.length ?? 0;
hold(figures >= 12, `the report has ${figures} figures only`);
hold(html.includes(base.commit), "the report does not name its commit");
hold(!/<script|<link|<img|<iframe|@import|url\(|\bsrc=|href="(?!#)/i.test(html), "the report needs something from outside");
hold(!/\b(NaN|undefined|Infinity|\[object)\b/.test(html.replace(/<(text|title|b|span|p|li|code|h1)\b[^>]*>[^<]*/g, "<$1>")), "the report holds a number that is none");

const open = [];
const body = html.replace(/^<!DOCTYPE html>/, "").replace(/<style>[^<]*<\/style>/, "");
for (const [, close, name, rest] of body.matchAll(/<(\/?)([a-zA-Z][\w-]*)((?:"[^"]*"|[^">])*)>/g)) {
  if (close) {
    const last = open.pop();
    if (last !== name) {
      hold(false, `the report is not well-formed: </${name}> closes <${last}>`);
      break;
    }
  } else if (!rest.endsWith("/")) open.push(name);
}
hold(open.length === 0, `the report is not well-formed: <${open.at(-1)}> is never closed`);
hold(!/<(?![/a-zA-Z])|&(?!(amp|lt|gt|quot|#\d+);)/.test(body), "the report holds a sign that is not escaped");
finish();
console.log(`the survey of ${base.name} is whole: ${base.files} files, ${base.commits} commits, ${figures} figures`);
END
