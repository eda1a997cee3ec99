// Writes tasks/*.json from the table below and the programs in tools/: `node plans/survey/generate.mjs`. A test holds
// them in step. A plan is data only, so each task carries its own program: the rehearsal writes it into the tree and
// runs it.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));

/**
 * tools: written by the task; run: the one it runs; check: JavaScript over `p` (the part) and `b` (base.json), true
 * when the part is right.
 */
const parts = [
  {
    part: "languages",
    subject: "Count the languages",
    activeForm: "Counting the languages",
    ask: "Files, lines and bytes by programming language, by file name and ending. Every file counts once; lock files, bundles and vendored code are one group of their own. Fields: files, lines, bytes, languages [{name, files, lines, bytes}], most lines first.",
    check:
      "p.files === b.files && sum(p.languages, 'files') === b.files && sum(p.languages, 'lines') === p.lines && sum(p.languages, 'bytes') === b.bytes",
  },
  {
    part: "largest",
    subject: "Weigh the largest files",
    activeForm: "Weighing the largest files",
    ask: "The 25 largest files, and how many files there are of each size. Fields: files, medianBytes, sizes [{below, files}], top [{path, bytes, lines, made}], largest first.",
    check:
      "p.files === b.files && sum(p.sizes, 'files') === b.files && p.top.every((f, i) => i === 0 || p.top[i - 1].bytes >= f.bytes)",
  },
  {
    part: "history",
    subject: "Read the log by month",
    activeForm: "Reading the log",
    ask: "Commits and changed lines over time, by month and by the unit (hour, day, week, month, year) that shows this history best, months without a commit included. Fields: commits, first, last, months and periods [{period, commits, added, removed}], unit.",
    check: "p.commits === b.commits && sum(p.months, 'commits') === b.commits && sum(p.periods, 'commits') === b.commits",
  },
  {
    part: "authors",
    subject: "Muster the authors",
    activeForm: "Mustering the authors",
    ask: "Commits by author (.mailmap respected), and how few of them made half of the history. Fields: commits, half, authors [{name, commits, first, last}], most commits first.",
    check: "p.commits === b.commits && sum(p.authors, 'commits') === b.commits",
  },
  {
    part: "rhythm",
    subject: "Take the rhythm of the week",
    activeForm: "Taking the rhythm of the week",
    ask: "Commits by weekday (Monday first) and hour, in each author's own time zone. Fields: commits, grid (7 lists of 24 counts).",
    check:
      "p.commits === b.commits && p.grid.length === 7 && p.grid.flat().length === 168 && p.grid.flat().reduce((x, y) => x + y, 0) === b.commits",
  },
  {
    part: "churn",
    subject: "Find the hot spots",
    activeForm: "Finding the hot spots",
    ask: "The 60 files that changed most often and still are here, with their length today. Fields: everChanged, files [{path, changes, added, removed, lines}], most changed first.",
    check: "p.files.length <= 60 && p.files.every((f, i) => f.changes > 0 && (i === 0 || p.files[i - 1].changes >= f.changes))",
  },
  {
    part: "todos",
    subject: "Collect what was left for later",
    activeForm: "Collecting what was left for later",
    ask: "Comments, and lines of a list, that begin with the words TODO, FIXME, HACK or XXX, not in generated files. Fields: total, kinds and folders [{name, count}], items (the first 60) [{path, line, kind, text}].",
    check: "sum(p.kinds, 'count') === p.total && sum(p.folders, 'count') === p.total && p.items.length === Math.min(60, p.total)",
  },
  {
    part: "imports",
    subject: "Draw who imports whom",
    activeForm: "Following the imports",
    ask: "Imports between the folders of this repository (deep enough to see at least four), the files most imported, and the packages from outside. JavaScript, TypeScript, Python, Go, C and C++ at least. Fields: scanned, inside, outside, edges [{from, to, count}], mostImported and packages [{name, count}].",
    check: "sum(p.edges, 'count') === p.inside && p.mostImported.length <= 20 && p.packages.length <= 30",
  },
  {
    part: "folders",
    subject: "Measure the folders",
    activeForm: "Measuring the folders",
    ask: "Bytes and files by folder, two levels deep; files at the top are the folder (root). Fields: files, bytes, folders [{name, files, bytes, inside [{name, files, bytes}]}], largest first.",
    check: "p.bytes === b.bytes && sum(p.folders, 'bytes') === b.bytes && sum(p.folders, 'files') === b.files",
  },
  {
    part: "tests",
    subject: "Set tests beside code",
    activeForm: "Setting tests beside code",
    ask: "Lines of tests and of other code, as a whole and by top folder; a test counts for the folder it is about. Fields: total {codeFiles, codeLines, testFiles, testLines}, folders [{folder, and the same}].",
    check: "['codeFiles', 'codeLines', 'testFiles', 'testLines'].every((k) => sum(p.folders, k) === p.total[k])",
  },
  {
    part: "health",
    subject: "Look with a newcomer's eyes",
    activeForm: "Looking with a newcomer's eyes",
    ask: "What a newcomer looks for: licence and its kind, README and what is in it, contributing, change log, security, automatic checks, tests, format rules, pinned dependencies, ignore rules, docs. Fields: passed, of, checks [{name, ok, detail}], readme, licence.",
    check: "p.of === p.checks.length && p.checks.filter((c) => c.ok).length === p.passed && p.of >= 10",
  },
  {
    part: "duplicates",
    subject: "Find what lies here twice",
    activeForm: "Finding what lies here twice",
    ask: "Files with the same content (git knows: the same blob) and names that occur often. Fields: files, spareBytes, contents [{bytes, copies, paths}], names [{name, count, paths}].",
    check: "p.contents.every((c) => c.copies > 1 && c.bytes > 0) && p.names.every((n) => n.count > 1)",
  },
];

const sections = [
  {
    part: "shape",
    subject: "Draw the shape",
    activeForm: "Drawing the shape",
    from: ["languages", "folders", "largest", "tests", "duplicates"],
    says: "what lies here, and where",
  },
  {
    part: "life",
    subject: "Draw the life",
    activeForm: "Drawing the life",
    from: ["history", "authors", "rhythm", "churn"],
    says: "how it came to be, and when",
  },
  {
    part: "care",
    subject: "Draw the care",
    activeForm: "Drawing the care",
    from: ["imports", "todos", "health"],
    says: "how it holds together, and what waits",
  },
];

const tool = (name) => readFileSync(join(folder, "tools", `${name}.mjs`), "utf8");
const place = (name) => `mkdir -p survey/tools\ncat > survey/tools/${name}.mjs <<'END_OF_TOOL'\n${tool(name)}END_OF_TOOL`;
const rehearse = (write, run) =>
  ["set -euo pipefail", ...write.map(place), ...(run ? [`node survey/tools/${run}.mjs`] : [])].join("\n");
/** Self-contained, because what lies in the tree can be edited by what is checked. */
const over = (part, rule) =>
  `node -e '${[
    'const read = (name) => JSON.parse(require("fs").readFileSync("survey/" + name + ".json", "utf8"));',
    "const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0);",
    `const [p, b] = [read("${part}"), read("base")];`,
    `if (!(${rule.replaceAll("'", '"')})) { console.error("survey/${part}.json does not add up"); process.exit(1); }`,
  ].join(" ")}'`;

const tasks = [
  {
    subject: "Lay the keel",
    activeForm: "Laying the keel",
    description:
      "Write survey/tools/common.mjs, the helpers that all parts share, and survey/base.json: which commit is surveyed (HEAD as you find it) and its plain facts, with which every part must agree. Links, submodules and survey/ itself are left out. Fields: commit, name, files, bytes, commits, at.",
    metadata: {
      rehearsal: rehearse(["common", "keel"], "keel"),
      check: over("base", "/^[0-9a-f]{40}$/.test(b.commit) && b.name && b.files >= 0 && b.commits >= 1").concat(
        " && test -s survey/tools/common.mjs",
      ),
    },
    blockedBy: [],
  },
  {
    subject: "Sharpen the pens",
    activeForm: "Sharpening the pens",
    description:
      "Write survey/tools/charts.mjs: charts as inline SVG for the report, with titles on shapes, colours by CSS variables (light and dark), no script and nothing from outside: bars, shares, columns over time, up and down, week grid, treemap, ring of imports, dots.",
    metadata: {
      rehearsal: rehearse(["charts"]),
      check: `node --input-type=module -e 'import { pathToFileURL } from "node:url"; const c = await import(pathToFileURL("survey/tools/charts.mjs")); if (!c.bars([{ label: "a<b", value: 1, shown: "1" }], "x").includes("a&lt;b")) process.exit(1);'`,
    },
    blockedBy: ["1"],
  },
  ...parts.map(({ part, subject, activeForm, ask, check }) => ({
    subject,
    activeForm,
    description: `${ask} Write survey/${part}.json, about the commit in survey/base.json only, by a small program survey/tools/${part}.mjs on plain Node (see survey/tools/common.mjs). The same commit must always give the same bytes.`,
    metadata: { rehearsal: rehearse([part], part), check: over(part, check) },
    blockedBy: ["1"],
  })),
];
const idOf = (name) => String(3 + parts.findIndex(({ part }) => part === name));
for (const { part, subject, activeForm, from, says } of sections) {
  tasks.push({
    subject,
    activeForm,
    description: `The report's section on ${says}: read ${from.map((name) => `survey/${name}.json`).join(", ")} and write survey/sections/${part}.html, one <section id="${part}"> of figures, each with a heading, one sentence that says what is seen, and a chart by survey/tools/charts.mjs. Well-formed, escaped, and fine with empty data.`,
    metadata: {
      rehearsal: rehearse([part], part),
      check: `grep -q '<section id="${part}">' survey/sections/${part}.html && grep -q '<figure' survey/sections/${part}.html && grep -q '</section>' survey/sections/${part}.html`,
    },
    blockedBy: ["2", ...from.map(idOf)],
  });
}
tasks.push({
  subject: "Bind the report",
  activeForm: "Binding the report",
  description:
    "Bind survey/sections/*.html into survey/report.html: one file that needs nothing else (no script, no font, no image from outside), readable in light and dark and on a phone, with the plain facts on top and the commit at the bottom.",
  metadata: {
    rehearsal: rehearse(["report"], "report"),
    check:
      "test -s survey/report.html && grep -q '</html>' survey/report.html && ! grep -Eq '<script|<link|<img|@import|url\\(' survey/report.html",
  },
  blockedBy: sections.map((_, i) => String(3 + parts.length + i)),
});

const numbered = tasks.map((task, i) => ({ id: String(i + 1), ...task, blockedBy: [...task.blockedBy].sort((a, b) => a - b) }));

/** Every task as its file has it: Map file name -> text. */
export const files = new Map(
  numbered.map(({ id, subject, description, activeForm, blockedBy, metadata }) => {
    const blocks = numbered.filter((other) => other.blockedBy.includes(id)).map((other) => other.id);
    const task = {
      id,
      subject,
      description,
      activeForm,
      status: "pending",
      blocks,
      blockedBy,
      metadata: { ...metadata, timeoutSeconds: 120 },
    };
    return [`${id}.json`, `${JSON.stringify(task, null, 2)}\n`];
  }),
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = join(folder, "tasks");
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(target)) rmSync(join(target, name));
  for (const [name, text] of files) writeFileSync(join(target, name), text);
  console.log(`${files.size} tasks`);
}
