import { join } from "node:path";
import { applyEdits, type JSONPath, modify } from "jsonc-parser";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { fieldOf } from "../../lib/base/check-input.ts";
import { MAX_JSON_BYTES } from "../../lib/plan/limits.ts";
import { readText } from "../../lib/plan/read.ts";

/** One thing that was changed: in which file and field, and what. */
export type Fix = { file: string; field: string; message: string };

/** A JSON file of a plan that is changed field by field, so that all else stays as a person has written it. */
export class JsonFile {
  /** What was changed, in the order in which it was. */
  readonly fixes: Fix[] = [];
  value: Record<string, unknown>;
  #text: string;
  readonly #folder: string;
  readonly #file: string;

  private constructor(folder: string, file: string, text: string, value: Record<string, unknown>) {
    this.#folder = folder;
    this.#file = file;
    this.#text = text;
    this.value = value;
  }

  /** Opens a file; returns undefined where it is no JSON object. */
  static async open(folder: string, file: string): Promise<JsonFile | undefined> {
    const reading = readText(join(folder, file), MAX_JSON_BYTES);
    if ("problem" in reading) return undefined;
    try {
      const value: unknown = JSON.parse(reading.text);
      if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
      return new JsonFile(folder, file, reading.text, value as Record<string, unknown>);
    } catch {
      return undefined;
    }
  }

  set(path: JSONPath, value: unknown, message: string): void {
    const formattingOptions = { insertSpaces: !/^\t/m.test(this.#text), tabSize: 2, eol: "\n" };
    this.#text = applyEdits(this.#text, modify(this.#text, path, value, { formattingOptions }));
    this.value = JSON.parse(this.#text) as Record<string, unknown>;
    this.fixes.push({ file: this.#file, field: fieldOf(path), message });
  }

  async save(): Promise<void> {
    if (this.fixes.length > 0) await writeAtomically(join(this.#folder, this.#file), this.#text);
  }
}
