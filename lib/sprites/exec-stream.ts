import type { ExecResult } from "./types.ts";

const STDOUT = 0x01;
const STDERR = 0x02;
const EXIT = 0x03;

/**
 * Reads the body of an HTTP exec: `01…` and `02…` chunks, then `03 <code>` (docs/facts/sprites.md#http-exec). Chunks
 * have no lengths and a proxy may join them, so the exit status is taken from the tail, and 01 and 02 are taken as
 * marks wherever they stand: output must be text. A ship may print nothing but marks, so the work is one step a byte
 * and nothing is allocated for a mark.
 *
 * @returns null when the exit mark is missing: then the connection failed and nothing is known of the command.
 */
export function readExecStream(body: Buffer): ExecResult | null {
  const end = body.length - 2;
  if (end < 0 || body[end] !== EXIT) return null;
  const text = { [STDOUT]: Buffer.allocUnsafe(end), [STDERR]: Buffer.allocUnsafe(end) };
  const length = { [STDOUT]: 0, [STDERR]: 0 };
  let stream: typeof STDOUT | typeof STDERR = STDOUT;
  for (let at = 0; at < end; at++) {
    const byte = body[at]!;
    if (byte === STDOUT || byte === STDERR) stream = byte;
    else text[stream][length[stream]++] = byte;
  }
  const read = (which: typeof STDOUT | typeof STDERR) => text[which].toString("utf8", 0, length[which]);
  return { exitCode: body[end + 1] ?? -1, stdout: read(STDOUT), stderr: read(STDERR) };
}
