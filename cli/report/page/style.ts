/**
 * The page's style. It names no other file, and has neither `<` nor `&`, so that it is the same to a reader of HTML and
 * to one of XML. Text has a contrast of 4.5 to 1 at least, in both schemes.
 */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#1b2330;--quiet:#566072;--line:#d9dee6;--accent:#0b6b62;--good:#0b6b62;--bad:#b3261e;
--done:#0f766e;--failed:#b45309;--back:#8a5a00;--lost:#b3261e;--asked:#1d4ed8;--open:#475569;--verify:#6d28d9;--trial:#64748b;--on:#fff;--free:#9aa7b8;--tint:#e8f3f1;--tint-bad:#fbeceb;--tint-plain:#eceff3}
@media (prefers-color-scheme:dark){:root{--ground:#0e131b;--card:#161d28;--ink:#e6ebf2;--quiet:#9fabbd;--line:#2b3546;--accent:#4fd1c0;--good:#4fd1c0;--bad:#ff8f85;
--done:#2bb3a3;--failed:#f0a13a;--back:#d8b04a;--lost:#ff7d72;--asked:#7fb0ff;--open:#94a3b8;--verify:#b79bff;--trial:#8795a8;--on:#0b1017;--free:#5b6980;--tint:#12302d;--tint-bad:#3a1d1c;--tint-plain:#222c3a}}
*{box-sizing:border-box}
html{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;background:var(--ground);color:var(--ink);-webkit-text-size-adjust:100%}
body{margin:0}
main{max-width:1560px;margin:0 auto;padding:28px clamp(14px,3vw,44px) 60px}
h1{font-size:clamp(1.5rem,1.1rem + 1.6vw,2.3rem);line-height:1.2;margin:.1em 0 .4em;letter-spacing:-.015em;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:0 0 .7em;letter-spacing:-.005em}
p{margin:.4em 0}
a{color:var(--accent)}
a:focus-visible,summary:focus-visible,.frame:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.88em}
pre{background:var(--tint-plain);border-radius:6px;padding:10px 12px;margin:.5em 0;white-space:pre-wrap;overflow-wrap:anywhere}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px clamp(14px,2vw,26px);margin:18px 0}
header{margin-bottom:20px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;padding:0;margin:0 0 4px}
nav a{text-decoration:none;display:inline-block;padding:3px 0}
nav a:hover{text-decoration:underline}
.eyebrow{color:var(--quiet);font-size:.92rem;margin:0}
.lead{font-size:1.06rem;max-width:88ch}
.quiet{color:var(--quiet)}
.said{white-space:pre-line;overflow-wrap:anywhere;max-width:92ch}
.nowrap{white-space:nowrap}
.plus{color:var(--good)}.minus{color:var(--bad)}.critical{color:var(--bad)}
.unknown:is(ul){background:var(--tint-plain);border-left:4px solid var(--quiet);border-radius:4px;padding:8px 12px 8px 30px;margin:12px 0}
.badge{display:inline-block;border-radius:999px;padding:0 9px;font-size:.86rem;line-height:1.55;background:var(--tint-plain);color:var(--ink);white-space:nowrap}
.badge.good{background:var(--tint);color:var(--good)}.badge.bad{background:var(--tint-bad);color:var(--bad)}.badge.quiet{color:var(--quiet)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;list-style:none;padding:0;margin:18px 0 0}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:11px 14px}
.tiles .name{display:block;color:var(--quiet);font-size:.86rem}
.tiles .value{display:block;font-size:1.5rem;line-height:1.25;font-weight:600;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.tiles .quiet{font-size:.86rem}
.frame{overflow-x:auto;margin:.6em 0}
.beside{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:0 40px;align-items:start}
.beside>*{min-width:0}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th{text-align:left;color:var(--quiet);font-weight:600;white-space:nowrap;font-size:.86rem}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
td p{margin:.1em 0}
tr:target td{background:var(--tint)}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.wide{min-width:240px;overflow-wrap:anywhere}
.check{display:inline-block;max-width:26ch;overflow-wrap:anywhere}
details{margin:.6em 0}
summary{cursor:pointer;color:var(--accent);padding:3px 0}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(240px,1fr));gap:8px 22px;margin:.8em 0}
dt{color:var(--quiet);font-size:.86rem}
dd{margin:0;overflow-wrap:anywhere}
.run{margin:.8em 0}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;padding:0;margin:10px 0 4px;font-size:.88rem;color:var(--quiet)}
.legend svg{vertical-align:-2px}
.lanes{margin:10px 0;display:grid;grid-template-columns:max-content 1fr;column-gap:12px}
.lane{display:contents}
.who{align-self:center;font-size:.9rem;white-space:nowrap;max-width:170px;overflow:hidden;text-overflow:ellipsis}
.picture{display:block;overflow:visible;margin:2px 0}
.axis text,.picture text{font-size:11px}
.axis text{fill:var(--quiet)}
.grid{stroke:var(--line)}
.bar rect{fill:var(--open)}.bar text{fill:var(--on);font-size:11px;font-weight:600}
.bar.done rect{fill:var(--done)}.bar.failed rect{fill:var(--failed)}.bar.back rect{fill:var(--back)}.bar.lost rect{fill:var(--lost)}.bar.asked rect{fill:var(--asked)}.bar.trial rect{fill:var(--trial)}
.bar.done.verify rect{fill:var(--verify)}
.bar.unknown rect{fill:var(--card);stroke:var(--open);stroke-dasharray:3 3}.bar.unknown text{fill:var(--ink)}
.free{fill:var(--free)}.away{fill:var(--line)}.starting{fill:var(--free);opacity:.6}
.fenced{fill:var(--lost);opacity:.35}
rect.unknown{fill:none;stroke:var(--open);stroke-dasharray:2 3}
.hold{opacity:.22;fill:var(--open)}.hold.limit{fill:var(--asked)}.hold.budget{fill:var(--failed)}
.mark{font-weight:700;fill:var(--ink);stroke:var(--card);stroke-width:3px;paint-order:stroke}
.picture .mark{font-size:14px}
.mark.cut-off,.mark.unfit{fill:var(--lost)}.mark.healed{fill:var(--good)}.mark.refused{fill:var(--failed)}
.ground{fill:var(--tint-plain)}
.money{border-radius:4px;overflow:hidden}
.graph text{font-size:12px;fill:var(--ink)}
.graph .small{font-size:11px;fill:var(--quiet)}
.graph .edge{fill:none;stroke:var(--free)}
.graph.dense .edge{opacity:.35}.graph.dense .edge.critical{opacity:1}
.graph .edge.critical{stroke:var(--bad);stroke-width:2.5px}
.task rect{fill:var(--card);stroke:var(--free)}
.task.accepted rect{fill:var(--tint);stroke:var(--done)}
.task.claimed rect{fill:var(--tint-plain);stroke:var(--asked);stroke-width:2px}
.task.blocked rect{fill:var(--tint-bad);stroke:var(--bad)}
.task.critical rect{stroke:var(--bad);stroke-width:2.5px}
footer{color:var(--quiet);font-size:.88rem;margin-top:18px}
@media (max-width:640px){.lanes{display:block}.lane{display:block}.lane .who{max-width:none}.axis{margin-top:8px}html{font-size:14px}dl{grid-template-columns:1fr 1fr}td.wide{min-width:200px}}
@media print{:root{color-scheme:light}html{font-size:11px;background:#fff}main{max-width:none;padding:0}section{border:0;padding:0;break-inside:auto}nav{display:none}.frame{overflow:visible}tr,.lane,.run{break-inside:avoid}h2{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
