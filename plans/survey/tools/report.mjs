// Binds the sections into one file that needs nothing else.
import { readFileSync } from "node:fs";
import { esc, num, plural, size } from "./charts.mjs";
import { base, readPart, writeText } from "./common.mjs";

const facts = base();
const [languages, authors, tests, health, todos] = ["languages", "authors", "tests", "health", "todos"].map(readPart);
const sections = ["shape", "life", "care"].map((name) => readFileSync(`survey/sections/${name}.html`, "utf8"));

const STYLE = `
:root { color-scheme: light dark; --paper:#f6f4ef; --card:#fffefb; --ink:#1d2530; --soft:#5d6673; --line:#e3dfd5; --track:#ece8de;
  --c0:#2a6f97; --c1:#c8553d; --c2:#5c8d53; --c3:#d8973c; --c4:#7d5ba6; --c5:#2f9c95; --c6:#b5487a; --c7:#7a8450; --c8:#4d6cc4; --c9:#8c6d53; --good:#4f9a63; --bad:#c8553d; --on:#fff }
@media (prefers-color-scheme: dark) { :root { --paper:#12171e; --card:#1a212b; --ink:#e6e9ee; --soft:#9aa5b4; --line:#2b3542; --track:#26303c;
  --c0:#5fa8d3; --c1:#e5826c; --c2:#86b87c; --c3:#e6b566; --c4:#a98bd0; --c5:#5cc4bc; --c6:#d980a8; --c7:#a9b57c; --c8:#839fe8; --c9:#b8977a; --good:#74bd88; --bad:#e5826c; --on:#10151b } }
* { box-sizing:border-box } html { scroll-behavior:smooth }
body { margin:0; background:var(--paper); color:var(--ink); font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif; font-variant-numeric:tabular-nums }
header, main, footer { max-width:1120px; margin:0 auto; padding:0 24px }
header { padding-top:64px } h1, h2 { font-family:ui-serif,"Iowan Old Style",Charter,Georgia,serif; font-weight:600; line-height:1.15; letter-spacing:-.01em; margin:0 }
h1 { font-size:clamp(2.2rem,6vw,3.6rem); overflow-wrap:anywhere } h2 { font-size:1.9rem; margin-top:72px } h3 { margin:0; font-size:1rem; font-weight:650 }
.over { color:var(--soft); letter-spacing:.12em; text-transform:uppercase; font-size:.78rem; margin:0 0 12px } .lead { color:var(--soft); margin:4px 0 20px }
nav { display:flex; gap:20px; margin:20px 0 0 } a { color:var(--c0); text-decoration:none } a:hover { text-decoration:underline }
.facts { display:grid; grid-template-columns:repeat(4,minmax(0,1fr)); margin:36px 0 0; padding:0; border-top:1px solid var(--line) }
.facts div { padding:16px 12px 12px 0; border-bottom:1px solid var(--line) } .facts dt { color:var(--soft); font-size:.84rem } .facts dd { margin:0; font-size:1.55rem; font-weight:600; letter-spacing:-.01em }
.cards { display:grid; grid-template-columns:repeat(2,minmax(0,1fr)); gap:20px } .card { margin:0; padding:22px 24px 24px; background:var(--card); border:1px solid var(--line); border-radius:12px; min-width:0 } .wide { grid-column:1/-1 }
figcaption p { margin:2px 0 18px; color:var(--soft); font-size:.92rem; overflow-wrap:anywhere } .none { color:var(--soft); font-style:italic; margin:0 }
svg { display:block; width:100%; height:auto } svg text { fill:var(--ink); font-size:12.5px } svg .value, svg .tick { fill:var(--soft); font-size:11.5px; font-weight:400 } svg .note { font-size:11px } svg .strong { font-weight:650 } svg .on { fill:var(--on); font-size:11.5px }
svg .track { fill:var(--track) } svg .grid { stroke:var(--line) }
.legend { list-style:none; display:flex; flex-wrap:wrap; gap:6px 22px; margin:16px 0 0; padding:0; font-size:.88rem } .legend i { display:inline-block; width:10px; height:10px; border-radius:3px; margin-right:7px } .legend span, .marks span { color:var(--soft) }
.marks, .notes { list-style:none; margin:0; padding:0; font-size:.92rem } .marks li { display:flex; gap:10px; padding:5px 0; border-top:1px solid var(--line) } .marks span { margin-left:auto; text-align:right; overflow-wrap:anywhere }
.marks li::before { content:"✓"; color:var(--good); font-weight:700 } .marks .no::before { content:"–"; color:var(--soft) } .marks .no b { font-weight:400; color:var(--soft) }
.notes li { padding:7px 0; border-top:1px solid var(--line); overflow-wrap:anywhere } code { font:.85em ui-monospace,SFMono-Regular,Menlo,monospace; color:var(--c0) }
footer { color:var(--soft); font-size:.86rem; margin-top:72px; padding-bottom:56px; overflow-wrap:anywhere }
@media (max-width:760px) { .facts { grid-template-columns:repeat(2,minmax(0,1fr)) } .cards { grid-template-columns:minmax(0,1fr) } .card { padding:16px } }
@media print { body { background:#fff } .card { break-inside:avoid } }
`;

const fact = (name, value) => `<div><dt>${esc(name)}</dt><dd>${esc(value)}</dd></div>`;
writeText(
  "survey/report.html",
  `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${esc(facts.name)}: a survey</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="over">Survey of a code base</p>
<h1>${esc(facts.name)}</h1>
<nav><a href="#shape">Shape</a><a href="#life">Life</a><a href="#care">Care</a></nav>
<dl class="facts">
${fact("files", num(facts.files))}
${fact("lines", num(languages.lines))}
${fact("bytes", size(facts.bytes))}
${fact("commits", num(facts.commits))}
${fact("authors", num(authors.authors.length))}
${fact("tests per 100 lines of code", tests.total.codeLines === 0 ? "–" : num((100 * tests.total.testLines) / tests.total.codeLines))}
${fact("left for later", num(todos.total))}
${fact("for newcomers", `${health.passed} of ${health.of}`)}
</dl>
</header>
<main>
${sections.join("")}</main>
<footer><p>Surveyed at commit <code>${esc(facts.commit)}</code> of ${esc(facts.at.slice(0, 10))}, ${plural(facts.commits, "commit")} deep, by a fleet of ships: one part a task, drawn and bound by those that came after. The numbers are in <code>survey/*.json</code> on the branch that holds this report; what counted them is in <code>survey/tools/</code> there.</p></footer>
</body>
</html>
`,
);
console.log(`survey/report.html: ${facts.name}, ${facts.files} files`);
