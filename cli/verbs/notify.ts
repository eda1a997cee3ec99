import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { firstLine, plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { NoticeEvent } from "../../lib/notices/events.ts";
import type { NoticesReply } from "../../lib/protocol/admin-api.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { span } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { type Cell, table } from "../output/table.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

const COLOURS = { waiting: "cyan", sent: "green", failed: "red", dropped: "red" } as const;

/**
 * `ocaptain notify test [voyage] [--event e]` has the helm send a test to every target, as it sends notices. Returns 1
 * when a target did not get it.
 */
export async function notifyTest(name: string | undefined, options: { event?: string }, io: Io): Promise<number> {
  const event = readEvent(options.event ?? "task-asked");
  const voyage = await atSea(name);
  const { notice, targets } = await helmClient().testNotices(voyage.file.voyageId, event);
  if (targets.length === 0) throw noTarget(voyage);
  const failed = targets.filter(({ ok }) => !ok);
  if (io.json) io.out(plainJson({ voyage: voyage.file.stack, notice, targets }, 2));
  else {
    for (const { target, ok, status, error, tries, seconds, said, wants } of targets)
      io.out(
        [
          `${io.style(ok ? "green" : "red", ok ? "sent" : "FAILED")}  ${target}`,
          error ?? (status === null ? "" : `status ${status}`),
          `${counted(tries, "try", "tries")}, ${seconds.toFixed(1)} s`,
          ...(said ? [`it said: ${firstLine(said)}`] : []),
          ...(wants ? [] : [`else it is not told of ${event}`]),
        ].join("; "),
      );
    io.note("these are the targets that the last up has set");
  }
  return failed.length > 0 ? 1 : 0;
}

/** `ocaptain notify log [voyage]` shows how each target fares, and the newest notices. */
export async function notifyLog(name: string | undefined, io: Io): Promise<void> {
  const voyage = await atSea(name);
  const { targets, notices } = await helmClient().notices(voyage.file.voyageId);
  if (io.json) return io.out(plainJson({ voyage: voyage.file.stack, targets, notices }, 2));
  if (targets.length === 0) throw noTarget(voyage);
  for (const { target, waiting, dropped, last } of targets)
    io.out(
      [
        target,
        last === null
          ? "nothing was sent yet"
          : last.error === null
            ? "its newest notice is there"
            : `its newest notice failed: ${last.error}`,
        ...(waiting > 0 ? [`${waiting} wait`] : []),
        ...(dropped > 0 ? [`${dropped} were dropped, as too many waited`] : []),
      ].join("; "),
    );
  if (notices.length === 0) return;
  io.out(["", ...table(["AGE", "RESULT", "EVENT", "STATE", "TARGET", "WHAT"], rowsOf(notices, io), io.columns)].join("\n"));
}

function rowsOf(notices: NoticesReply["notices"], io: Io): Cell[][] {
  const now = Date.now();
  return notices.map(({ at, status, event, state, target, message, error }) => [
    { text: span(at, now) },
    { text: status, paint: (text) => io.style(COLOURS[status], text) },
    { text: event },
    { text: state },
    { text: target ?? "(set no more)" },
    { text: firstLine(error ? `${message} (${error})` : message) },
  ]);
}

/** @throws OcaptainError SUNK: only the helm has targets, and only of voyages at sea */
async function atSea(name: string | undefined): Promise<KnownVoyage> {
  const voyage = await chooseVoyage(name);
  if (!voyage.file.sunkAt) return voyage;
  throw new OcaptainError("SUNK", `${voyage.file.stack} has sunk: its notices ended with it, and its targets are forgotten`, {
    hint: "ocaptain ls  # shows the voyages at sea",
  });
}

const noTarget = ({ file: { stack } }: KnownVoyage) =>
  new OcaptainError("NO_TARGET", `${stack} has no target of notices: ocaptain:notify is not set, or was not at the last up`, {
    hint: `pulumi config set --secret ocaptain:notify -s ${stack} && pulumi up -s ${stack}  # docs/notices.md has recipes`,
  });

function readEvent(text: string): NoticeEvent {
  const event = NoticeEvent.safeParse(text).data;
  if (event) return event;
  throw new OcaptainError("USAGE", `"${text}" is no event: ${NoticeEvent.options.join(", ")}`, {
    hint: "ocaptain notify test --help",
  });
}
