import { existsSync } from "node:fs";
import { basename } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { captainTelemetry } from "../../lib/base/paths.ts";
import { readLedger } from "../../lib/plan/read-ledger.ts";
import { allVoyages, type KnownVoyage } from "../../lib/watch/known.ts";
import type { LedgerTable } from "../reader/wire.ts";
import { findVoyage } from "../target/choose-voyage.ts";

/** What can be asked: folders of telemetry, and what ledgers know. */
export type Sources = {
  folders: string[];
  rows: Record<LedgerTable, object[]>;
  /** The voyages by their names; those of them that have no telemetry; and what could not be read. */
  names: string[];
  without: string[];
  broken: string[];
};

/**
 * Finds what can be asked about these voyages, by their names or ids; about all of this captain and its other programs
 * where none is named; or about the other programs alone. Voyages that have sunk are as good as others.
 * @throws OcaptainError NO_VOYAGE
 */
export async function findSources(names: readonly string[], onlyCaptain = false): Promise<Sources> {
  if (onlyCaptain && names.length > 0)
    throw new OcaptainError("USAGE", "--captain is about programs that are of no voyage: leave the voyages out", {
      hint: "ocaptain telemetry query --help",
    });
  const { known, broken } = await chosen(names, onlyCaptain);
  const sources: Sources = {
    folders: [...known.map(({ folder }) => folder.telemetry), ...(names.length === 0 ? [captainTelemetry()] : [])],
    rows: { voyages: [], runs: [], spend: [], tasks: [], events: [] },
    names: known.map(nameOf),
    without: known.filter((voyage) => !hasTelemetry(voyage)).map(nameOf),
    broken,
  };
  for (const voyage of known) add(sources, voyage);
  return sources;
}

async function chosen(names: readonly string[], onlyCaptain: boolean): Promise<{ known: KnownVoyage[]; broken: string[] }> {
  if (onlyCaptain) return { known: [], broken: [] };
  if (names.length === 0) return allVoyages();
  const known = await Promise.all(names.map(findVoyage));
  return { known: [...new Map(known.map((voyage) => [voyage.file.voyageId, voyage])).values()], broken: [] };
}

/** The name of a voyage's folder, which is its stack's, or another where it was put aside. */
const nameOf = ({ folder }: KnownVoyage) => basename(folder.root);
const hasTelemetry = ({ folder }: KnownVoyage) => existsSync(folder.telemetry);

function add({ rows, broken }: Sources, voyage: KnownVoyage): void {
  const { voyageId, createdAt, sunkAt } = voyage.file;
  rows.voyages.push({
    ...{ voyage: voyageId, name: nameOf(voyage), created_at: createdAt, sunk_at: sunkAt ?? null },
    has_telemetry: hasTelemetry(voyage),
  });
  try {
    const spent = readLedger(voyage.folder.ledger, (ledger) => ledger.spent());
    for (const [table, told] of Object.entries(spent ?? {}))
      for (const row of told) rows[table as keyof NonNullable<typeof spent>].push({ voyage: voyageId, ...row });
  } catch (error) {
    broken.push(`${nameOf(voyage)}: ${(error as Error).message}`);
  }
}
