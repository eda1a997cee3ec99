// Who wrote how much of the history, and how few people make half of it.
import { base, byMost, git, tally, writePart } from "./common.mjs";

const rows = git("log", "--format=%aN%x00%at", base().commit)
  .split("\n")
  .filter(Boolean)
  .map((line) => line.split("\0"));
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
const authors = tally(
  rows,
  ([name]) => name,
  (name) => ({ name, commits: 0, first: Number.POSITIVE_INFINITY, last: 0 }),
  (sum, [, at]) => {
    sum.commits += 1;
    sum.first = Math.min(sum.first, Number(at));
    sum.last = Math.max(sum.last, Number(at));
  },
)
  .sort(
    byMost(
      (author) => author.commits,
      (author) => author.name,
    ),
  )
  .map((author) => ({ ...author, first: day(author.first), last: day(author.last) }));

let half = 0;
for (let sum = 0; sum * 2 < rows.length; half += 1) sum += authors[half].commits;
writePart("authors", { commits: rows.length, half, authors }, `${authors.length} authors; ${half} made half of the commits`);
