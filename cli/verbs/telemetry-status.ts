import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { captainTelemetry, voyageFolder } from "../../lib/base/paths.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { DROP_REASONS, type DropReason, type FolderStatus, type TelemetryStatus } from "../../lib/telemetry/wire.ts";
import { voyageNames } from "../../lib/watch/known.ts";
import { span } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { sizeText } from "../output/size-text.ts";
import { type Cell, table } from "../output/table.ts";

/** What is known of one folder. `came` is the intake's count, and null while the intake is not there. */
type Folder = Pick<FolderStatus, "folder" | "files" | "bytes"> & {
  of: string;
  came: Pick<FolderStatus, "requests" | "rows" | "lastAt" | "waiting"> | null;
  dropped: FolderStatus["dropped"];
};

/** `ocaptain telemetry status`: a row a voyage, and one for the captain's other programs. */
export async function telemetryStatus(io: Io): Promise<void> {
  const helm = await helmClient()
    .telemetry()
    .catch((error: unknown) => {
      if (error instanceof OcaptainError && error.code === "HELM_DOWN") return null;
      throw error;
    });
  const folders = await foldersOf(helm);
  if (io.json)
    return io.out(plainJson({ helm: helm !== null, programs: helm?.programs ?? null, process: processOf(helm), folders }, 2));
  const shown = folders.filter(({ files, came, dropped }) => files > 0 || came || Object.keys(dropped).length > 0);
  if (shown.length > 0) {
    const now = Date.now();
    io.out(
      table(
        ["OF", "LAST", "LOGS", "METRICS", "SPANS", "FILES", "ON DISK"],
        shown.map((row) => cells(row, now)),
        io.columns,
      ).join("\n"),
    );
  }
  for (const { of, dropped } of shown)
    for (const [reason, count] of Object.entries(dropped))
      io.out(`dropped, ${of}: ${count} (${DROP_REASONS[reason as DropReason]})`);
  if (shown.length === 0) io.note("no telemetry has come yet");
  io.note(programsLine(helm));
}

function programsLine(helm: TelemetryStatus | null): string {
  if (!helm) return "the helm does not run, so that nothing is taken in; how much has come and was dropped is known to it alone";
  if (!helm.programs) return "of programs that are on no ship none is taken: ocaptain telemetry start";
  const { port, needsToken } = helm.programs;
  return `of programs that are on no ship it is taken at http://127.0.0.1:${port}, ${needsToken ? "with the token" : "without a token"}`;
}

const processOf = (helm: TelemetryStatus | null) =>
  helm?.intake ? { pid: helm.intake.pid, rssBytes: helm.intake.rssBytes } : null;

async function foldersOf(helm: TelemetryStatus | null): Promise<Folder[]> {
  const found = new Map<string, Folder>();
  const onDisk = [captainTelemetry(), ...(await voyageNames()).map((name) => voyageFolder(name).telemetry)];
  for (const folder of onDisk)
    found.set(folder, { of: nameOf(folder), folder, ...(await weigh(folder)), came: null, dropped: {} });
  for (const { folder, files, bytes, dropped, ...came } of helm?.intake?.folders ?? [])
    found.set(folder, { of: nameOf(folder), folder, files, bytes, came, dropped });
  for (const { folder, dropped } of helm?.refused ?? []) {
    const known = found.get(folder);
    if (known) known.dropped = sum(known.dropped, dropped);
  }
  return [...found.values()];
}

function sum(a: Folder["dropped"], b: Folder["dropped"]): Folder["dropped"] {
  const all = { ...a };
  for (const [reason, count] of Object.entries(b)) all[reason as DropReason] = (all[reason as DropReason] ?? 0) + count;
  return all;
}

const nameOf = (folder: string) => (folder === captainTelemetry() ? "other programs" : basename(dirname(folder)));

/** The files of a folder of telemetry, and their bytes. */
async function weigh(folder: string): Promise<{ files: number; bytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".parquet"));
  const sizes = await Promise.all(
    files.map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return { files: files.length, bytes: sizes.reduce((all, size) => all + size, 0) };
}

function cells({ of, came, files, bytes }: Folder, now: number): Cell[] {
  const rows = (name: "logs" | "metrics" | "spans") => ({ text: came ? String(came.rows[name] ?? 0) : "?" });
  const last = came?.lastAt ? `${span(came.lastAt, now)} ago` : "";
  return [
    { text: of },
    { text: last },
    rows("logs"),
    rows("metrics"),
    rows("spans"),
    { text: String(files) },
    { text: sizeText(bytes) },
  ];
}
