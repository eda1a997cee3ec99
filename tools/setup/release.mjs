/** Downloads vendors' releases. No file is used whose digest is not the expected one. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * The longest wait for an answer. On closed networks it is normal that a vendor is out of reach, and that must not cost
 * a newcomer more time than this.
 */
const ANSWER_MS = 8000;
const STALL_MS = 20_000;
const LIMIT_MS = 10 * 60_000;

const answers = new Map();
/**
 * Resolves to the reason why `url` cannot be had, or to "". Each is asked once: what is out of reach costs its time one
 * time only.
 * @param {string} url
 * @returns {Promise<string>}
 */
export function whyOutOfReach(url) {
  if (!answers.has(url)) answers.set(url, ask(url));
  return answers.get(url);
}

async function ask(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    return response.ok ? "" : `${url} answers ${response.status}`;
  } catch (error) {
    const why =
      error.name === "TimeoutError" ? `no answer within ${ANSWER_MS / 1000} s` : (error.cause?.message ?? error.message);
    return `${new URL(url).host}: ${why}`;
  }
}

/**
 * Downloads `url` to `file`; rejects unless its SHA-256 is `sha256` (hex). `tell` is called with the progress.
 * @param {string} url
 * @param {string} file
 * @param {{sha256: string, tell?: (text: string) => void}} options
 */
export async function download(url, file, { sha256, tell = () => {} }) {
  const stalled = new AbortController();
  let timer = setTimeout(() => stalled.abort(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  const hash = createHash("sha256");
  try {
    const signal = AbortSignal.any([stalled.signal, AbortSignal.timeout(LIMIT_MS)]);
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body) throw new Error(`${url} answers ${response.status}`);
    let received = 0;
    const size = Number(response.headers.get("content-length"));
    const total = size > 0 ? ` of ${Math.round(size / 1e6)}` : "";
    const watch = new Transform({
      transform(chunk, _encoding, done) {
        clearTimeout(timer);
        timer = setTimeout(() => stalled.abort(new Error(`nothing received for ${STALL_MS / 1000} s`)), STALL_MS);
        hash.update(chunk);
        received += chunk.length;
        tell(`downloaded ${Math.round(received / 1e6)}${total} MB`);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(file), { signal });
  } finally {
    clearTimeout(timer);
  }
  const actual = hash.digest("hex");
  if (actual !== sha256) throw new Error(`${url} has digest ${actual}, not ${sha256}: not used`);
}

/** Resolves to the whole content of a small file at `url`. */
export async function answerOf(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/**
 * Reads the SHA-256 (hex) of `name` from a `sha256sum` listing at `url`; without a name, from a page that holds one
 * digest alone.
 * @param {string} url
 * @param {string} [name]
 */
export async function publishedDigest(url, name) {
  const lines = (await answerOf(url)).toString("utf8").split("\n");
  const line = name === undefined ? lines[0] : lines.find((entry) => entry.trim().endsWith(` ${name}`));
  const digest = line?.trim().split(/\s+/)[0];
  if (!digest || !/^[0-9a-f]{64}$/.test(digest))
    throw new Error(`${url} has no SHA-256${name === undefined ? "" : ` of ${name}`}`);
  return digest;
}

/** Resolves to a file's SHA-256, as hex. */
export async function fileDigest(file) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
