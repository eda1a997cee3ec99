import { createHash } from "node:crypto";
import type { ReportFacts } from "../facts/facts.ts";
import { graph } from "./graph.ts";
import { head } from "./head.ts";
import { lanes } from "./lanes.ts";
import { html } from "./markup.ts";
import { spent } from "./money.ts";
import { type Section, section } from "./pieces.ts";
import { checks, eventTable, made } from "./proof.ts";
import { STYLE } from "./style.ts";
import { delivered, shipTable, wanted, wentBack } from "./work.ts";

/** By these words a file is known to be a report of ours, which may be written over by a newer one. */
export const MARKER = '<meta name="generator" content="ocaptain report"/>';

/** Nothing is loaded and nothing runs: the only thing that is allowed is this very style. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'`;

/** Draws the facts as one HTML page that needs no other file. */
export function page(facts: ReportFacts): string {
  const sections: Section[] = [
    { id: "wanted", title: "What was to be done", body: wanted(facts) },
    { id: "delivered", title: "What was delivered", body: delivered(facts) },
    { id: "ships", title: "Ships over time", body: html`${lanes(facts)}${facts.ships.length > 0 && shipTable(facts)}` },
    { id: "graph", title: "The graph", body: graph(facts) },
    { id: "spend", title: "Spend and tokens", body: spent(facts) },
    { id: "checks", title: "Checks and verification", body: checks(facts) },
    { id: "back", title: "What went back, and why", body: wentBack(facts) },
    { id: "events", title: "Events", body: eventTable(facts) },
    { id: "made", title: "How it was made", body: made(facts) },
  ];
  const body = html`<main>
${head(facts)}<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${sections.map(section)}</main>
`;
  const title = html`<title>${facts.voyage.stack}: report of a voyage</title>`;
  return `<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
${MARKER}
${html`<meta http-equiv="Content-Security-Policy" content="${POLICY}"/>`.text}
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<meta name="referrer" content="no-referrer"/>
${title.text}
<style>${STYLE}</style>
</head>
<body>
${body.text}</body>
</html>
`;
}
