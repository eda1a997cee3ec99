import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { PlanFile, ProvisionEntry, TaskFile } from "../lib/plan/schema.ts";

/**
 * The work of `node tools/plan-format.ts`: makes what editors and people read of a plan's format from the schemas by
 * which plans are loaded (lib/plan/schema.ts). These are the JSON Schemas in plans/schema, and the tables of fields in
 * docs/plans.md. A test holds them in step.
 */
const root = join(import.meta.dirname, "..");
const DOCUMENT = "docs/plans.md";
const FILES = { "voyage.json": PlanFile, "task.json": TaskFile };

/** All files that are made, by their paths in the checkout, with what they should hold. */
export function planFormat(): Record<string, string> {
  return {
    "plans/schema/voyage.json": `${JSON.stringify(jsonSchema(PlanFile), null, 2)}\n`,
    "plans/schema/task.json": `${JSON.stringify(jsonSchema(TaskFile), null, 2)}\n`,
    [DOCUMENT]: Object.entries(FILES).reduce(
      (text, [name, schema]) => withTable(text, name, fieldTable(schema)),
      readFileSync(join(root, DOCUMENT), "utf8"),
    ),
  };
}

type Json = Record<string, unknown>;

/** Makes the JSON Schema of a file of a plan, in the draft that editors know best. */
function jsonSchema(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    target: "draft-07",
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const json = jsonSchema as Json;
      // Zod tells of a step only the form as an object, since the other one is made into it.
      if ((zodSchema as z.core.$ZodType) === ProvisionEntry) {
        const { run } = json.properties as { run: Json };
        const { description, ...command } = run;
        const whole = { ...json };
        for (const key of Object.keys(json)) delete json[key];
        json.anyOf = [command, whole];
      }
      if (typeof json.description === "string") json.description = sentence(json.description, json.otherwise);
      delete json.otherwise;
    },
  }) as Json;
}

/** Writes a description as an editor shows it: whole sentences, and no marks or links of Markdown. */
function sentence(description: string, otherwise: unknown): string {
  const plainly = (text: string) => text.replaceAll(/ \(\[[^\]]*\]\([^)]*\)\)/g, "").replaceAll("`", "");
  const left = typeof otherwise === "string" ? ` If left out: ${plainly(otherwise)}.` : "";
  const said = plainly(description);
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}.${left}`;
}

/** Makes the table of a file's fields. A field of an object stands below it, with the whole of its name. */
function fieldTable(schema: z.ZodType): string {
  const rows = fieldsOf(schema, "").map(({ name, description, otherwise }) => `| \`${name}\` | ${description} | ${otherwise} |`);
  return ["| field | what | if it is left out |", "|---|---|---|", ...rows].join("\n");
}

type Field = { name: string; description: string; otherwise: string };

function fieldsOf(schema: z.ZodType, prefix: string): Field[] {
  const inner = withoutWrappers(schema);
  if (inner instanceof z.ZodRecord) return fieldsOf(inner.valueType as z.ZodType, prefix.replace(/\.$/, ".MODEL."));
  if (inner instanceof z.ZodArray) return fieldsOf(inner.element as z.ZodType, prefix.replace(/\.$/, "[]."));
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, value]) => {
    const { description, otherwise } = value.meta() ?? {};
    if (!description) throw new Error(`${prefix}${key} has no description in lib/plan/schema.ts`);
    const isRequired = !value.safeParse(undefined).success;
    const left = isRequired ? "**required**" : String(otherwise ?? "");
    return [{ name: `${prefix}${key}`, description, otherwise: left }, ...fieldsOf(value, `${prefix}${key}.`)];
  });
}

function withoutWrappers(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return withoutWrappers(schema.unwrap() as z.ZodType);
  return schema instanceof z.ZodPipe ? withoutWrappers(schema.out as z.ZodType) : schema;
}

/** Puts a table between the marks that the document has for it. */
function withTable(text: string, name: string, table: string): string {
  const marked = new RegExp(`(<!-- The fields of ${name}, made by [^>]*-->\n)[^]*?(<!-- end -->)`);
  if (!marked.test(text)) throw new Error(`${DOCUMENT} has no place for the fields of ${name}`);
  return text.replace(marked, (_whole, begin: string, end: string) => `${begin}${table}\n${end}`);
}

if (import.meta.main) {
  mkdirSync(join(root, "plans", "schema"), { recursive: true });
  for (const [name, text] of Object.entries(planFormat())) writeFileSync(join(root, name), text);
}
