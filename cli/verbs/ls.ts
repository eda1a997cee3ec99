import { plainJson } from "../../lib/base/text.ts";
import { collectStatus } from "../../lib/watch/collect.ts";
import { allVoyages, type KnownVoyage } from "../../lib/watch/known.ts";
import { span } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { spendCell } from "../output/spend.ts";
import { type Cell, table } from "../output/table.ts";

/**
 * `ocaptain ls [--all]`: a row a voyage, those that have sunk with `--all` only. A voyage whose file is broken is a
 * remark, and hides no other.
 */
export async function ls(options: { all?: boolean }, io: Io): Promise<void> {
  const { known, broken } = await allVoyages();
  for (const each of broken) io.note(each);
  const shown = known.filter(({ file }) => options.all || !file.sunkAt);
  const rows = await Promise.all(shown.map(rowOf));
  if (io.json) return io.out(plainJson({ voyages: rows, broken }, 2));
  if (rows.length === 0) {
    const sunk = known.length - shown.length;
    return io.note(sunk > 0 ? `no voyage is at sea; ocaptain ls --all shows ${sunk} that sank` : "there is no voyage yet");
  }
  const now = Date.now();
  const cells = rows.map((row): Cell[] => [
    { text: row.stack },
    { text: row.state, paint: (text) => io.style(row.state === "verified" ? "green" : row.needsYou > 0 ? "red" : "cyan", text) },
    { text: `${row.tasks.accepted}/${row.tasks.total - row.tasks.cancelled}` },
    { text: row.ships > 0 ? String(row.ships) : "" },
    { text: row.spend ? spendCell(row.spend, row.spend.budgetUsd ?? undefined) : "" },
    { text: row.needsYou > 0 ? String(row.needsYou) : "" },
    { text: span(row.createdAt, now) },
  ]);
  io.out(table(["VOYAGE", "STATE", "ACCEPTED", "SHIPS", "SPEND", "NEEDS YOU", "AGE"], cells, io.columns).join("\n"));
}

/**
 * One voyage as `--json` prints it. `needsYou` counts what only a person can mend; `createdAt` and `sunkAt` are ISO
 * 8601.
 */
async function rowOf(voyage: KnownVoyage) {
  const view = await collectStatus(voyage);
  return {
    stack: view.stack,
    id: view.id,
    state: view.state,
    from: view.from,
    tasks: view.tasks,
    ships: view.ships.length,
    spend: view.spend,
    needsYou: view.attention.length,
    createdAt: voyage.file.createdAt,
    sunkAt: voyage.file.sunkAt ?? null,
    folder: voyage.folder.root,
  };
}
