import type { Io } from "../../cli/output/io.ts";

/** An `Io` that keeps what a verb says, for a verb that is called within the test's own process. */
export function listen(json = false) {
  const out: string[] = [];
  const data: string[] = [];
  const notes: string[] = [];
  const io: Io = {
    json,
    signal: new AbortController().signal,
    out: (text) => void out.push(text),
    data: (text) => void data.push(text),
    repaint: (text) => void out.push(text),
    note: (text) => void (json || notes.push(text)),
    progress: () => {},
    steps: { line: () => {}, status: () => {}, style: (_format, text) => text },
    apart: (answer) => answer,
    style: (_format, text) => text,
    columns: undefined,
  };
  return { io, out, notes, data: () => data.join(""), json: () => JSON.parse(out.join("\n") + data.join("")) };
}
