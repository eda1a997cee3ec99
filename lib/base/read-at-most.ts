import { OcaptainError } from "./errors.ts";

const FIRST_BYTES = 16 * 1024;
const MiB = 1024 * 1024;

/**
 * Reads the whole of an answer of unknown length, up to `mostBytes`. However small its pieces are, this takes memory of
 * the order of the bound, and reading stops where it is passed.
 *
 * @param what  The answer's name for the error's message.
 * @throws OcaptainError TOO_LONG when the answer is longer
 */
export async function readAtMost(chunks: AsyncIterable<Uint8Array> | null, mostBytes: number, what: string): Promise<Buffer> {
  let kept = Buffer.allocUnsafe(Math.min(FIRST_BYTES, mostBytes));
  let bytes = 0;
  for await (const chunk of chunks ?? []) {
    const needed = bytes + chunk.length;
    if (needed > mostBytes) throw new OcaptainError("TOO_LONG", `${what}: the answer is longer than ${sizeOf(mostBytes)}`);
    if (needed > kept.length) {
      const wider = Buffer.allocUnsafe(Math.min(mostBytes, Math.max(needed, 2 * kept.length)));
      kept.copy(wider, 0, 0, bytes);
      kept = wider;
    }
    kept.set(chunk, bytes);
    bytes = needed;
  }
  return kept.subarray(0, bytes);
}

const sizeOf = (bytes: number) => (bytes >= MiB ? `${bytes / MiB} MiB` : `${bytes} bytes`);
