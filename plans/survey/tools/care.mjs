// Section "Care": how it holds together and what waits. From imports, todos, health.
import { bars, card, esc, nothing, num, plural, ring } from "./charts.mjs";
import { readPart, writeText } from "./common.mjs";

const [imports, todos, health] = ["imports", "todos", "health"].map(readPart);

const marks = health.checks.map(
  (one) =>
    `<li class="${one.ok ? "yes" : "no"}"><b>${esc(one.name)}</b> <span>${esc(one.ok ? (one.detail ?? "yes") : "not found")}</span></li>`,
);
const notes = todos.items.slice(0, 8).map((one) => `<li><code>${esc(one.path)}:${one.line}</code> ${esc(one.text)}</li>`);
const lean = imports.mostImported[0];

writeText(
  "survey/sections/care.html",
  `<section id="care"><h2>Care</h2><p class="lead">How it holds together, and what waits.</p><div class="cards">\n` +
    card(
      "Who leans on whom",
      imports.inside === 0
        ? "No imports inside were found."
        : `${plural(imports.inside, "import")} inside, in ${plural(imports.scanned, "file")}; a line has its importer's colour.`,
      ring(imports.edges, "Imports between folders"),
    ) +
    card(
      "Most imported",
      lean ? `${lean.name} is what most lean on.` : "Nothing is imported.",
      bars(
        imports.mostImported.slice(0, 12).map((one) => ({ label: one.name, value: one.count, shown: num(one.count) })),
        "Most imported files",
      ),
    ) +
    card(
      "From outside",
      `${plural(imports.outside, "import")} of packages and standard parts.`,
      bars(
        imports.packages
          .slice(0, 10)
          .map((one) => ({ label: one.name, value: one.count, shown: num(one.count), colour: "var(--c4)" })),
        "Packages by imports",
      ),
    ) +
    card("What a newcomer looks for", `${health.passed} of ${health.of} are here.`, `<ul class="marks">${marks.join("")}</ul>`) +
    card(
      "Left for later",
      todos.total === 0
        ? "No TODO, FIXME, HACK or XXX."
        : `${plural(todos.total, "note")}: ${todos.kinds.map((one) => `${num(one.count)} ${one.name}`).join(", ")}.`,
      todos.total === 0 ? nothing("A clean deck.") : `<ul class="notes">${notes.join("")}</ul>`,
      true,
    ) +
    "</div></section>\n",
);
console.log("the section Care is drawn");
