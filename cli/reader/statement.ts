import { type DuckDBConnection, type DuckDBPreparedStatement, StatementType } from "@duckdb/node-api";

/** Says why a question is not answered. */
export class Refused extends Error {
  readonly code: "NO_QUESTION" | "READS_ONLY" | "SQL";
  constructor(code: Refused["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The words with which a statement begins that reads, and which DuckDB takes for a SELECT. */
const READING = ["SELECT", "WITH", "FROM", "VALUES", "TABLE", "DESCRIBE", "DESC", "SHOW", "SUMMARIZE", "UNPIVOT"];
const LEADING = /^(?:[\s;(]|--[^\n]*|\/\*[\s\S]*?\*\/)*/;

/**
 * Prepares the statement, if it is a single one and reads. What DuckDB takes it for decides; by its first word it is
 * refused in better words than DuckDB has for what it may not reach.
 * @throws Refused
 */
export async function onlyStatement(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const begins = sql.replace(LEADING, "");
  if (begins === "") throw new Refused("NO_QUESTION", "the question is empty");
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1)
    throw new Refused("READS_ONLY", `one SELECT can be asked at a time, and this comes to ${statements.count} statements`);
  const word = /^\w*/.exec(begins)![0].toUpperCase();
  if (!READING.includes(word)) throw readsOnly(word);
  const statement = await statements.prepare(0);
  const { statementType } = statement;
  if (statementType !== StatementType.SELECT) throw readsOnly(StatementType[statementType] ?? "no SELECT");
  if (statement.parameterCount > 0) throw new Refused("SQL", "a parameter ($1, ?) has no value here: write the value itself");
  return statement;
}

const readsOnly = (what: string) =>
  new Refused(
    "READS_ONLY",
    `only SELECT can be asked (also WITH, FROM, VALUES, DESCRIBE, SUMMARIZE), and this is ${what}: nothing can be written here, and no other file be reached`,
  );
