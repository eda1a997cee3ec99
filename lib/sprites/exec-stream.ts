import type { ExecResult } from "./types.ts";

const STDOUT = 0x01;
const STDERR = 0x02;
const EXIT = 0x03;

/**
 * Reads the body of an HTTP exec: `01…`/`02…` chunks, then `03 <code>` (facts: sprites §4.4). There are no lengths and a proxy may join
 * chunks, so the exit status is taken from the tail, and 01 and 02 are taken as marks wherever they stand: output must be text.
 *
 * @returns null when the exit mark is missing, that is, when the transport failed and nothing is known of the command.
 */
export function readExecStream(body: Buffer): ExecResult | null {
  if (body.length < 2 || body[body.length - 2] !== EXIT) return null;
  const parts: Record<number, Buffer[]> = { [STDOUT]: [], [STDERR]: [] };
  let stream = STDOUT;
  let from = 0;
  const end = body.length - 2;
  for (let at = 0; at <= end; at++) {
    const byte = at === end ? -1 : body[at];
    if (byte !== -1 && byte !== STDOUT && byte !== STDERR) continue;
    parts[stream]?.push(body.subarray(from, at));
    if (byte === STDOUT || byte === STDERR) stream = byte;
    from = at + 1;
  }
  const text = (which: number) => Buffer.concat(parts[which] ?? []).toString("utf8");
  return { exitCode: body[body.length - 1] ?? -1, stdout: text(STDOUT), stderr: text(STDERR) };
}
