import { OcaptainError } from "../base/errors.ts";
import type { Http, HttpRequest } from "../base/http-call.ts";
import { refused, spriteGone, spritePath } from "./calls.ts";
import { readExecStream } from "./exec-stream.ts";
import type { ExecResult } from "./types.ts";

/** Most bytes of an answer. Our commands print little; what answers may be anything that a ship sends. */
const MOST_BYTES = 1024 * 1024;

/** Runs argv on a ship, as `SpritesClient.exec` says. */
export async function exec(
  http: Http,
  name: string,
  argv: readonly string[],
  options: { stdin?: string; timeoutMs?: number; dir?: string; mostBytes?: number },
): Promise<ExecResult> {
  const query = new URLSearchParams();
  for (const arg of argv) query.append("cmd", arg);
  if (argv[0]) query.set("path", argv[0]);
  if (options.dir) query.set("dir", options.dir);
  if (options.stdin !== undefined) query.set("stdin", "true");
  const request: HttpRequest = {
    method: "POST",
    path: `${spritePath(name)}/exec?${query}`,
    body: options.stdin,
    timeoutMs: options.timeoutMs ?? 120_000,
    mostBytes: options.mostBytes ?? MOST_BYTES,
  };
  const reply = await http(request);
  if (reply.status === 404) throw spriteGone(name);
  if (reply.status !== 200) throw refused(`exec on ${name}`, reply);
  const result = readExecStream(reply.body);
  if (!result)
    throw new OcaptainError("EXEC_CUT", `exec on ${name}: the connection ended before the command's exit status came`, {
      hint: "pulumi up  # it goes on where it stopped",
    });
  return result;
}
