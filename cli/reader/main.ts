/**
 * The reader: answers what it is asked on stdin, and ends. It ends with whoever started it, too.
 */
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { openDatabase } from "./database.ts";
import { Snapshot } from "./snapshot.ts";
import { onlyStatement, Refused } from "./statement.ts";
import { plainValue } from "./values.ts";
import type { Line, Question } from "./wire.ts";

process.on("disconnect", () => process.exit(1));
process.stdout.on("error", () => process.exit(1));
const question = JSON.parse(await text(process.stdin)) as Question;
let isLate = false;
let running: DuckDBConnection | undefined;
setTimeout(() => {
  isLate = true;
  running?.interrupt();
}, question.seconds * 1000).unref();

const snapshot = new Snapshot(question.folders);
process.on("exit", () => snapshot.remove());
try {
  const { connection, files } = await openDatabase(question, snapshot);
  running = connection;
  if (isLate) connection.interrupt();
  let told = 0;
  for (const sql of question.sql) {
    // The whole answer is found before its first row is told: a stream of DuckDB's that fails in the middle, by an
    // error or at the end of its time, ends as one does that is complete.
    const result = await (await onlyStatement(connection, sql)).run();
    const types = result.columnTypes();
    await say({ columns: result.deduplicatedColumnNames().map((name, at) => ({ name, type: typeName(types[at]!) })) });
    for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      told += chunk.rowCount;
      await say({ rows: chunk.getRows().map((row) => row.map(plainValue)) });
    }
  }
  snapshot.remove();
  await say({ end: { rows: told, files } });
} catch (error) {
  // Whoever asked may end this process at its last word.
  snapshot.remove();
  await say({ error: { code: codeOf(error as Error), message: (error as Error).message.trim() } });
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
