// Commits and changed lines over time: by month, and by the unit that shows this history best.
import { base, git, writePart } from "./common.mjs";

const log = git("log", "--no-renames", "--numstat", "--format=%x01%at", base().commit)
  .split("\x01")
  .slice(1)
  .map((entry) => {
    const [at, ...changes] = entry.trim().split("\n");
    let added = 0;
    let removed = 0;
    for (const change of changes) {
      const [plus, minus] = change.split("\t");
      added += Number(plus) || 0;
      removed += Number(minus) || 0;
    }
    return { at: Number(at) * 1000, added, removed };
  })
  .sort((a, b) => a.at - b.at);

const HOUR = 3600_000;
/** Start of the period that holds `at`, and the start of the next, in UTC. */
const units = {
  hour: [(at) => at - (at % HOUR), (at) => at + HOUR, 13],
  day: [(at) => at - (at % (24 * HOUR)), (at) => at + 24 * HOUR, 10],
  week: [(at) => at - ((at + 3 * 24 * HOUR) % (7 * 24 * HOUR)), (at) => at + 7 * 24 * HOUR, 10],
  month: [
    (at) => Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth()),
    (at) => Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth() + 1),
    7,
  ],
  year: [(at) => Date.UTC(new Date(at).getUTCFullYear(), 0), (at) => Date.UTC(new Date(at).getUTCFullYear() + 1, 0), 4],
};

/** One row a period, also for those without a commit. */
function periods(unit) {
  const [start, next, digits] = units[unit];
  const rows = [];
  if (log.length === 0) return rows;
  for (let at = start(log[0].at); at <= log.at(-1).at; at = next(at)) {
    rows.push({
      from: at,
      period: new Date(at).toISOString().slice(0, digits).replace("T", " "),
      commits: 0,
      added: 0,
      removed: 0,
    });
  }
  let row = 0;
  for (const commit of log) {
    while (rows[row + 1] && rows[row + 1].from <= commit.at) row += 1;
    rows[row].commits += 1;
    rows[row].added += commit.added;
    rows[row].removed += commit.removed;
  }
  return rows.map(({ from, ...rest }) => rest);
}

const spanHours = log.length ? (log.at(-1).at - log[0].at) / HOUR : 0;
const unit =
  spanHours < 72
    ? "hour"
    : spanHours < 24 * 75
      ? "day"
      : spanHours < 24 * 500
        ? "week"
        : spanHours < 24 * 365 * 12
          ? "month"
          : "year";
const day = (at) => new Date(at).toISOString().slice(0, 10);
writePart(
  "history",
  {
    commits: log.length,
    first: log.length ? day(log[0].at) : null,
    last: log.length ? day(log.at(-1).at) : null,
    months: periods("month"),
    unit,
    periods: periods(unit),
  },
  `${log.length} commits, shown by ${unit}`,
);
