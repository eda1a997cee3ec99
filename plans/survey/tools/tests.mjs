// Lines of code beside lines of tests, as a whole and by folder.
import { byMost, countLines, files, isMade, isTest, tally, text, topFolder, writePart } from "./common.mjs";

const CODE =
  /\.([cm]?[jt]sx?|py|go|rs|java|kt|scala|c|h|cc|cpp|hpp|cs|swift|rb|php|pl|lua|ex|exs|hs|ml|clj|jl|dart|zig|sh|bash|vue|svelte)$/i;
const rows = files()
  .filter((file) => CODE.test(file.path) && !isMade(file.path))
  .map((file) => ({ path: file.path, test: isTest(file.path), lines: countLines(text(file.path) ?? "") }));
const fresh = (folder) => ({ folder, codeFiles: 0, codeLines: 0, testFiles: 0, testLines: 0 });
const add = (sum, row) => {
  sum[row.test ? "testFiles" : "codeFiles"] += 1;
  sum[row.test ? "testLines" : "codeLines"] += row.lines;
};
const total = fresh("all");
for (const row of rows) add(total, row);
/** tests/helm/x.test.ts is about helm/: counted there when such a folder is. */
const tops = new Set(rows.filter((row) => !row.test).map((row) => topFolder(row.path)));
const about = (row) =>
  row.test
    ? (row.path
        .split("/")
        .slice(0, -1)
        .find((part) => tops.has(part)) ?? topFolder(row.path))
    : topFolder(row.path);
const folders = tally(rows, about, fresh, add).sort(
  byMost(
    (sum) => sum.codeLines + sum.testLines,
    (sum) => sum.folder,
  ),
);
writePart("tests", { total, folders }, `${total.testLines} lines of tests for ${total.codeLines} lines of code`);
