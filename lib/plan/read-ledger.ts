import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { OcaptainError } from "../base/errors.ts";

/**
 * Reads a voyage's ledger from its file itself, as a voyage that has sunk has no helm to ask, and a preview starts
 * none. Returns null when there is no ledger, or nothing of a plan in it.
 *
 * @param ledger  The path of the file, which a helm may have open.
 * @throws OcaptainError LEDGER when it cannot be read
 */
export function readLedger<T>(ledger: string, read: (database: DatabaseSync) => T): T | null {
  if (!existsSync(ledger)) return null;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(ledger, { readOnly: true, timeout: 2_000 });
    if (!database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'tasks'").get()) return null;
    return read(database);
  } catch (cause) {
    throw new OcaptainError("LEDGER", `the ledger ${ledger} cannot be read`, { cause });
  } finally {
    database?.close();
  }
}

/** Reads one of the settings that a ledger keeps; "" when it has none of that name. */
export function readMeta(database: DatabaseSync, key: string): string {
  const value = database.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.value;
  return typeof value === "string" ? value : "";
}
