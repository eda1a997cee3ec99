import { counted } from "../../../lib/base/counted.ts";
import { plain } from "../../../lib/base/text.ts";
import type { Proposal } from "./propose-verify.ts";
import type { Settled } from "./settle.ts";
import type { Format, Source } from "./shape.ts";

/** What an import has done, for a person and as JSON: above all what nobody has said and was guessed. */
export function report(done: {
  from: Format;
  where: string;
  out: string;
  source: Source;
  settled: Settled;
  verify: Proposal | null;
  notes: readonly string[];
}): { json: object; remarks: string[] } {
  const { from, where, out, source, settled, verify, notes } = done;
  const touching = settled.tasks.filter(({ task }) => task.touches.length > 0);
  const json = {
    ...{ from, source: where, folder: out },
    tasks: settled.tasks.map(({ number, task, blockedBy }) => ({ id: number, source: task.id, title: task.title, blockedBy })),
    leftOut: settled.leftOut.map(({ id, title, status }) => ({ source: id, title, status })),
    wholes: source.wholes.map(({ id, title, parts }) => ({ source: id, title, parts })),
    guessed: {
      edges: settled.guesses,
      touches: touching.map(({ task }) => ({ source: task.id, touches: task.touches })),
      verify: verify && { commands: verify.commands, from: verify.from },
    },
    notes,
  };
  const remarks = [
    ...leftOutLines(settled),
    ...guessLines(settled),
    ...(touching.length > 0
      ? [
          `guessed: what ${counted(touching.length, "task")} of ${settled.tasks.length} write, by the paths that are named there (metadata.touches)`,
        ]
      : []),
    verify
      ? `proposed: verify.sh, from ${verify.from.join(", ")}: ${verify.commands.join("; ")}. Nobody has said that this proves the voyage: read it.`
      : "no verify.sh: nothing here tells how it is tested. Without one a voyage ends as done, and not as verified.",
    ...notes.map((note) => `note: ${note}`),
  ];
  return { json, remarks: remarks.map((line) => plain(line, { most: 100_000 })) };
}

function leftOutLines({ leftOut }: Settled): string[] {
  const byStatus = Map.groupBy(leftOut, ({ status }) => status);
  return [...byStatus].map(([status, tasks]) => `left out, as ${status}: ${tasks.map(({ id }) => id).join(", ")}`);
}

/** The guessed edges by their reason, and within that by the task that waits. */
function guessLines({ guesses }: Settled): string[] {
  return [...Map.groupBy(guesses, ({ why }) => why)].map(([why, edges]) => {
    const byTask = Map.groupBy(edges, ({ task }) => task);
    const each = [...byTask].map(([task, of]) => `${task} after ${of.map(({ after }) => after).join(", ")}`);
    return `guessed: ${counted(edges.length, "edge")}, as ${why}: ${each.join("; ")}`;
  });
}
