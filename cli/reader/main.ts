/**
 * The reader: answers what it is asked on stdin, and ends. It ends with whoever started it, too.
 */
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { openDatabase } from "./database.ts";
import { onlyStatement, Refused } from "./statement.ts";
import { plainValue } from "./values.ts";
import type { Line, Question } from "./wire.ts";

/** How often it is begun anew when a file was replaced while it was read. */
const TRIES = 3;

process.on("disconnect", () => process.exit(1));
process.stdout.on("error", () => process.exit(1));
const question = JSON.parse(await text(process.stdin)) as Question;
let isLate = false;
let running: DuckDBConnection | undefined;
setTimeout(() => {
  isLate = true;
  running?.interrupt();
}, question.seconds * 1000).unref();

for (let tries = 1; ; tries++) {
  let told = 0;
  try {
    const { connection, files } = await openDatabase(question);
    running = connection;
    if (isLate) connection.interrupt();
    for (const sql of question.sql) {
      const result = await (await onlyStatement(connection, sql)).stream();
      const types = result.columnTypes();
      await say({ columns: result.deduplicatedColumnNames().map((name, at) => ({ name, type: typeName(types[at]!) })) });
      for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
        told += chunk.rowCount;
        await say({ rows: chunk.getRows().map((row) => row.map(plainValue)) });
      }
    }
    await say({ end: { rows: told, files } });
    break;
  } catch (error) {
    const { message } = error as Error;
    if (
      told === 0 &&
      !isLate &&
      tries < TRIES &&
      /No such file|No files found|too small to be a Parquet|ETag|changed/i.test(message)
    )
      continue;
    await say({ error: { code: codeOf(error as Error), message: message.trim() } });
    break;
  }
}
process.disconnect?.();

/** The name of a type; JSON is text to DuckDB, with another name. */
function typeName(type: DuckDBType): string {
  return type.alias ?? String(type);
}

function codeOf(error: Error): Extract<Line, { error: object }>["error"]["code"] {
  if (error instanceof Refused) return error.code;
  if (isLate) return "TOO_LONG";
  return error.message.startsWith("Out of Memory") ? "TOO_MUCH" : "SQL";
}

async function say(line: Line): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, "drain");
}
