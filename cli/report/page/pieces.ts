import { html, type Markup } from "./markup.ts";

// The pieces of which sections are built.

/** A section with its heading, to which the list at the page's top leads. */
export type Section = { id: string; title: string; body: Markup };

export const section = ({ id, title, body }: Section): Markup =>
  html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${body}
</section>
`;

/** A part of the page that can be unfolded. On paper it is folded as it was. */
export const folded = (summary: Markup | string, body: Markup): Markup =>
  html`<details><summary>${summary}</summary>
${body}
</details>`;

type Column = { title: string; isNumber?: boolean; isWide?: boolean };
export type Row = { id?: string | undefined; cells: readonly Markup[] };
type Table = {
  /** What the table has, for whoever does not see it. */
  name: string;
  columns: readonly Column[];
  rows: readonly Row[];
  /** How many rows stand open; the others are folded below. */
  open: number;
  /** How many rows there are at all; the others are said to be left out. */
  most: number;
  /** What a row is: "task", "tasks". */
  of: readonly [one: string, many: string];
};

/**
 * A table in a frame of its own, which is moved sideways where the page is narrow: rows beyond the first are folded,
 * and what is left out is counted.
 */
export function table({ name, columns, rows, open, most, of }: Table): Markup {
  const [first, rest] = [rows.slice(0, open), rows.slice(open, most)];
  const left = rows.length - first.length - rest.length;
  return html`${frame(name, columns, first)}${
    rest.length > 0 &&
    folded(`${rest.length} more ${rest.length === 1 ? of[0] : of[1]}`, frame(`${name}, continued`, columns, rest))
  }${left > 0 && html`<p class="quiet">${left} more ${left === 1 ? of[0] : of[1]} are left out here: <code>ocaptain report --json</code> has them.</p>`}`;
}

const frame = (name: string, columns: readonly Column[], rows: readonly Row[]): Markup =>
  html`<div class="frame" role="region" aria-label="${name}" tabindex="0"><table>
<thead><tr>${columns.map(({ title, isNumber }) => html`<th scope="col"${isNumber && html` class="number"`}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map(
  ({
    id,
    cells,
  }) => html`<tr${id !== undefined && html` id="${id}"`}>${cells.map((cell, index) => cellOf(cell, columns[index]!))}</tr>
`,
)}</tbody></table></div>
`;

function cellOf(cell: Markup, { isNumber, isWide }: Column): Markup {
  const kinds = [isNumber && "number", isWide && "wide"].filter(Boolean).join(" ");
  return html`<td${kinds !== "" && html` class="${kinds}"`}>${cell}</td>`;
}

/** Facts in a row, each a name and what it is. */
export const pairs = (facts: readonly (readonly [name: string, what: Markup | string | null])[]): Markup =>
  html`<dl>${facts.filter(([, what]) => what !== null).map(([name, what]) => html`<div><dt>${name}</dt><dd>${what}</dd></div>`)}</dl>
`;

/** A state in a frame, in the colour of its kind. */
export const badge = (kind: string, text: string): Markup => html`<span class="badge ${kind}">${text}</span>`;
