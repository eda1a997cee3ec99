import { counted } from "../../../lib/base/counted.ts";
import { usd } from "../../../lib/base/text.ts";
import type { Usage } from "../../../lib/protocol/ship-reports.ts";
import { lasting } from "../../output/durations.ts";
import type { Change } from "../facts/facts.ts";
import { html, type Markup } from "./markup.ts";

// How times, amounts and names are written on the page.

/** What stands for a fact that is not known. */
export const NOT_KNOWN = html`<span class="quiet">not known</span>`;
/** What stands where there is nothing. */
export const NONE = html`<span class="quiet">–</span>`;

/** A moment, as `2026-11-28 14:02:21`; the page says once that times are in UTC. */
export const moment = (iso: string): Markup => {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return NOT_KNOWN;
  const full = at.toISOString();
  return html`<time datetime="${full}">${full.slice(0, 19).replace("T", " ")}</time>`;
};

export const secondsBetween = (from: string, to: string): number => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
export const duration = (seconds: number | null): Markup => (seconds === null ? NOT_KNOWN : html`${lasting(seconds)}`);

/** A task as it is named in a text, with a link to its row. Only ids of digits are anchors. */
export const taskName = (id: string | null | undefined): Markup => {
  if (id === null || id === undefined) return NONE;
  return /^\d+$/.test(id) ? html`<a href="#task-${id}">#${id}</a>` : html`#${id}`;
};

/** A ship as it is named in a table. */
export const shipName = (ship: string | null | undefined): Markup =>
  ship === null || ship === undefined ? NONE : html`<span class="nowrap">${ship}</span>`;

export const shortCommit = (commit: string | null): Markup =>
  commit === null ? NONE : html`<code title="${commit}">${commit.slice(0, 8)}</code>`;

export const changed = (change: Change | null): Markup =>
  change === null
    ? NOT_KNOWN
    : html`<span class="nowrap"><span class="plus">+${change.insertions}</span> <span class="minus">−${change.deletions}</span></span> <span class="quiet nowrap">${counted(change.files, "file")}</span>`;

export const money = (amount: number): string => usd(amount);

/** A count of tokens, as `950`, `12.3k` or `3.4M`. */
export function many(count: number): string {
  if (count < 1000) return String(count);
  return count < 999_950 ? `${(count / 1000).toFixed(1)}k` : `${(count / 1e6).toFixed(1)}M`;
}

export const allTokens = ({ inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens }: Usage): number =>
  inputTokens + outputTokens + cacheReadTokens + cacheCreationTokens;
