// Section "Life": how it came to be. From history, authors, rhythm, churn.
import { bars, card, columns, dots, num, percent, plural, upDown, weekGrid } from "./charts.mjs";
import { readPart, writeText } from "./common.mjs";

const [history, authors, rhythm, churn] = ["history", "authors", "rhythm", "churn"].map(readPart);

const short = (period) =>
  history.unit === "hour"
    ? `${period.slice(5, 13)} h`
    : history.unit === "day" || history.unit === "week"
      ? period.slice(5)
      : period;
const periods = history.periods.map((one) => ({ ...one, label: short(one.period) }));
const busiest = periods.reduce((best, one) => (one.commits > (best?.commits ?? 0) ? one : best), null);
const added = periods.reduce((sum, one) => sum + one.added, 0);
const removed = periods.reduce((sum, one) => sum + one.removed, 0);
const people = authors.authors.slice(0, 10);
const late = rhythm.grid.flatMap((row) => row.filter((_, hour) => hour < 6 || hour >= 22)).reduce((sum, count) => sum + count, 0);
const weekend = [...rhythm.grid[5], ...rhythm.grid[6]].reduce((sum, count) => sum + count, 0);

writeText(
  "survey/sections/life.html",
  `<section id="life"><h2>Life</h2><p class="lead">How it came to be, and when.</p><div class="cards">\n` +
    card(
      `Commits by ${history.unit}`,
      busiest
        ? `${plural(history.commits, "commit")} from ${history.first} to ${history.last}; the busiest ${history.unit} was ${busiest.period} with ${busiest.commits}.`
        : "No history.",
      columns(
        periods.map((one) => ({ label: one.label, value: one.commits, hint: `${one.period}: ${plural(one.commits, "commit")}` })),
        "Commits over time",
      ),
      true,
    ) +
    card(
      "Lines added and removed",
      `${num(added)} lines came, ${num(removed)} went: ${percent(removed, added)} of what was written was written again or thrown away.`,
      upDown(
        periods.map((one) => ({
          label: one.label,
          up: one.added,
          down: one.removed,
          hint: `${one.period}: +${num(one.added)} −${num(one.removed)}`,
        })),
        "Changed lines over time",
      ),
      true,
    ) +
    card(
      "The week",
      `${percent(late, rhythm.commits)} of commits were made between 22:00 and 6:00, ${percent(weekend, rhythm.commits)} on a weekend, in each author's own time.`,
      weekGrid(rhythm.grid, "Commits by weekday and hour"),
      true,
    ) +
    card(
      "Authors",
      `${plural(authors.authors.length, "author")}; ${authors.half === 1 ? "one of them" : `${num(authors.half)} of them`} made half of all commits.`,
      bars(
        people.map((one) => ({
          label: one.name,
          value: one.commits,
          shown: `${plural(one.commits, "commit")}, ${percent(one.commits, authors.commits)}`,
          hint: `${one.name}: ${one.first} to ${one.last}`,
        })),
        "Commits by author",
        { colours: true },
      ),
    ) +
    card(
      "Hot spots",
      "Long files that change often are where work hurts: top right.",
      dots(
        churn.files.map((one) => ({
          x: one.changes,
          y: one.lines,
          label: one.path,
          hint: `${one.path}: ${plural(one.changes, "change")}, ${plural(one.lines, "line")}`,
        })),
        "Files by changes and lines",
        { xName: "changes", yName: "lines" },
      ),
    ) +
    "</div></section>\n",
);
console.log("the section Life is drawn");
