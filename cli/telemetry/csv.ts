import { plainJson } from "../../lib/base/text.ts";

/** A row of CSV (RFC 4180), with its line end. Nothing stands for no value, lists and objects are JSON. */
export const csvRow = (values: readonly unknown[]): string => `${values.map(field).join(",")}\r\n`;

function field(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? plainJson(value) : String(value);
  // An empty text is not the same as no value.
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
