import { nearest } from "../base/nearest.ts";
import type { Notice } from "./events.ts";

/** A body as it is configured: a text, or a value that becomes JSON. */
export type Template = string | Json[] | { [key: string]: Json };
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The fields of a template: those of a notice, and `text`, which is message, detail and hint, a paragraph each. */
const FIELDS = [
  ...([
    "id",
    "occurrence",
    "state",
    "event",
    "voyage",
    "stack",
    "of",
    "title",
    "message",
    "detail",
    "hint",
    "link",
    "since",
    "at",
  ] as const),
  "text",
] as const satisfies readonly (keyof Notice | "text")[];
type Fields = Record<(typeof FIELDS)[number], string>;

const PLACE = /\{\{([^{}]*)\}\}/g;

/** What is wrong with a template, without quoting more of it than names in double braces. */
export function templateProblems(template: Template): string[] {
  const asText = typeof template === "string" ? template : JSON.stringify(template);
  const names = [...asText.matchAll(PLACE)].map(([, name = ""]) => name.trim());
  const unknown = [...new Set(names)].filter((name) => !FIELDS.some((field) => field === name));
  const problems = unknown.map((name) => {
    const meant = nearest(name, FIELDS);
    return `has no field {{${name.slice(0, 30)}}}; ${meant ? `did you mean {{${meant}}}?` : `there are ${FIELDS.join(", ")}`}`;
  });
  if (typeof template === "string" && parsed(template) === undefined && /^\s*(\[|\{(?!\{))/.test(template))
    problems.push('begins like JSON and is none: a field stands inside of quotes, as in {"text": "{{text}}"}');
  return problems;
}

/**
 * Fills a template. One that is JSON is filled text by text, so that no field can end a text of it; any other takes the
 * fields as they are. Without a template it is the whole notice as JSON.
 */
export function fill(template: Template | undefined, notice: Notice): { body: string; isJson: boolean } {
  if (template === undefined) return { body: JSON.stringify(notice), isJson: true };
  const fields: Fields = { ...notice, text: [notice.message, notice.detail, notice.hint].filter(Boolean).join("\n\n") };
  const json = typeof template === "string" ? parsed(template) : template;
  if (json !== undefined) return { body: JSON.stringify(filled(json, fields)), isJson: true };
  return { body: filledText(template as string, fields), isJson: false };
}

/** The array or object that a text is as JSON; undefined for every other text. */
function parsed(text: string): Exclude<Template, string> | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function filled(value: Json, fields: Fields): Json {
  if (typeof value === "string") return filledText(value, fields);
  if (Array.isArray(value)) return value.map((each) => filled(each, fields));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, fields)]));
}

/** Fills each place once: what a field brings is not looked at again. */
const filledText = (text: string, fields: Fields) =>
  text.replace(PLACE, (place, name: string) => fields[name.trim() as keyof Fields] ?? place);
