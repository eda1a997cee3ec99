import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { git, gitEnv } from "../../../lib/git/run.ts";

/** The sizes of blobs in bytes, by their ids. */
export async function sizesOf(gitDir: string, blobs: readonly string[]): Promise<Map<string, number>> {
  if (blobs.length === 0) return new Map();
  const asked = ["cat-file", "--buffer", "--batch-check=%(objectname) %(objectsize)"];
  const { stdout } = await git(asked, { gitDir, stdin: `${blobs.join("\n")}\n`, timeoutMs: 10 * 60_000 });
  return new Map([...stdout.matchAll(/^([0-9a-f]{40}) (\d+)$/gm)].map(([, id, size]) => [id!, Number(size)]));
}

/**
 * Reads blobs one after the other, by one git. There is never more of them in memory than one, and what git is ahead.
 * @throws OcaptainError GIT when one cannot be read
 */
export async function* contentsOf(
  gitDir: string,
  blobs: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<{ blob: string; content: Buffer }> {
  if (blobs.length === 0) return;
  const child = spawn("git", ["cat-file", "--buffer", "--batch"], {
    ...{ env: gitEnv([], { GIT_DIR: gitDir }), stdio: ["pipe", "pipe", "ignore"], ...(signal && { signal }) },
  });
  const ended = once(child, "exit");
  ended.catch(() => {}); // An aborted one is told below, by the pipe that ends.
  child.stdin.on("error", () => {}); // A git that has ended says so by what it has not written.
  Readable.from(blobs.map((blob) => `${blob}\n`)).pipe(child.stdin);
  try {
    const reader = new Reader(child.stdout);
    for (const blob of blobs) {
      const [, size] = /^[0-9a-f]{40} blob (\d+)$/.exec(await reader.line()) ?? [];
      if (size === undefined) throw new OcaptainError("GIT", `the repository has lost what it should push: blob ${blob}`);
      const content = await reader.bytes(Number(size) + 1);
      yield { blob, content: content.subarray(0, -1) };
    }
  } finally {
    child.kill();
    await ended.catch(() => {});
    signal?.throwIfAborted();
  }
}

/** Reads lines and counted bytes of a stream. */
class Reader {
  readonly chunks: AsyncIterator<Buffer>;
  rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  async more(): Promise<Buffer> {
    const { value, done } = await this.chunks.next();
    if (done) throw new OcaptainError("GIT", "git ended before it had said all that it was asked");
    return value;
  }

  async line(): Promise<string> {
    while (!this.rest.includes(10)) this.rest = Buffer.concat([this.rest, await this.more()]);
    const end = this.rest.indexOf(10);
    const line = this.rest.toString("latin1", 0, end);
    this.rest = this.rest.subarray(end + 1);
    return line;
  }

  async bytes(count: number): Promise<Buffer> {
    const parts = [this.rest];
    let length = this.rest.length;
    while (length < count) {
      const part = await this.more();
      parts.push(part);
      length += part.length;
    }
    const all = parts.length === 1 ? this.rest : Buffer.concat(parts);
    this.rest = all.subarray(count);
    return all.subarray(0, count);
  }
}
