import { pause } from "../sprites/clock.ts";
import type { HarborShip } from "../sprites/ship.ts";
import { runInShip } from "../vm/run-in-ship.ts";
import type { ApiCall } from "./call.ts";
import { readJson, reply, replyJson, runtimeHeaders } from "./replies.ts";

/** File calls, as docs/facts/sprites.md#files describes them. `ship-root/lib/fs.mjs` does the work, in the ship. */

const OPERATIONS: Record<string, { method: string; from: "query" | "body" }> = {
  read: { method: "GET", from: "query" },
  list: { method: "GET", from: "query" },
  write: { method: "PUT", from: "query" },
  delete: { method: "DELETE", from: "query" },
  rename: { method: "POST", from: "body" },
  copy: { method: "POST", from: "body" },
  chmod: { method: "POST", from: "body" },
};

/** Whether the harbor serves this operation by this method. */
export const isFileCall = (method: string | undefined, operation: string) => OPERATIONS[operation]?.method === method;

export async function fileCall(call: ApiCall, ship: HarborShip, operation: string): Promise<void> {
  const { request, response, ships } = call;
  const options = OPERATIONS[operation]!.from === "query" ? queryOptions(call.query) : await readJson(request);
  if (!options || (options.path ?? options.source) === undefined)
    return replyJson(response, 400, { error: "path is required" }, runtimeHeaders);
  await ship.awake(async (vm) => {
    await pause(ships.settings.clock, ships.settings.latency.execMs);
    const argv = ["node", `${vm.helpers}/fs.mjs`, operation, JSON.stringify(options)];
    const done = await runInShip(vm, argv, operation === "write" ? request : undefined);
    if (done.exitCode !== 0) return failed(call, done.stderr);
    const type = operation === "read" ? "application/octet-stream" : "application/json";
    reply(response, 200, done.stdout, { "content-type": type, ...runtimeHeaders });
  });
}

function queryOptions(query: URLSearchParams): Record<string, unknown> {
  const flag = (name: string) => query.get(name) === "true";
  const text = (name: string) => query.get(name) ?? undefined;
  return {
    path: text("path"),
    workingDir: text("workingDir"),
    mode: text("mode"),
    pattern: text("pattern"),
    recursive: flag("recursive"),
    mkdirParents: flag("mkdirParents"),
  };
}

const STATUS: Record<string, number> = { ENOENT: 404, EACCES: 403, EROFS: 403, ETXTBSY: 409 };

/** Answers a failure as the vendor often does: by a text, without the `code` that its client looks for. */
function failed({ response }: ApiCall, stderr: string): void {
  try {
    const { code, path, message } = JSON.parse(stderr) as { code: string; path: string; message: string };
    replyJson(response, STATUS[code] ?? 400, { error: message, path }, runtimeHeaders);
  } catch {
    replyJson(response, 500, { error: stderr.trim().slice(-500) || "the file helper failed" }, runtimeHeaders);
  }
}
