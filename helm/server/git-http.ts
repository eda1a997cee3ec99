import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { signalGroup } from "../../lib/base/run-program.ts";
import { type GitConfig, git, gitEnv, gitLine } from "../../lib/git/run.ts";
import { HttpError } from "../http-error.ts";
import { Turns } from "../voyage/turns.ts";

/** The calls of git's smart protocol, with the query of each. Nothing else is served: no file of the repository. */
const CALLS = new Map([
  ["GET /info/refs", /^service=git-(upload|receive)-pack$/],
  ["POST /git-upload-pack", /^$/],
  ["POST /git-receive-pack", /^$/],
]);
/** How long nothing may move in a transfer, before its client is taken for lost. */
const QUIET_MS = 5 * 60_000;

/**
 * The turns of transfers. Each is three processes of git on the captain's machine. A crew has one at a time; its agents
 * may have some beside. The first of each ship waits for nobody else's, so that no ship keeps others from the
 * repository.
 */
const TURNS = new Turns<string>({ all: 16, each: 4, waiting: 8, firstIsFree: true });
/**
 * How long a transfer waits for its turn: less than the minute after which a crew's git gives up a transfer that does
 * not move.
 */
const PATIENCE_MS = 30_000;

/**
 * Whose transfer it is, and what is asked for. `life` is unique among all voyages. `call`: path below the repository
 * and query, `/info/refs?service=…`
 */
type Ask = { folder: VoyageFolder; ship: string; life: string; branch: string; call: string };

/**
 * Serves one request of git's smart HTTP through `git http-backend`: all refs may be read, `refs/ships/<ship>/*` may be
 * pushed. git itself holds that: everything else is a hidden ref to receive-pack, which refuses to update it.
 * @throws HttpError 503 when more of that ship are under way than it may have
 */
export async function serveGit(request: IncomingMessage, response: ServerResponse, ask: Ask): Promise<void> {
  const [path = "", query = ""] = ask.call.split("?");
  if (!CALLS.get(`${request.method} ${path}`)?.test(query))
    throw new HttpError(404, "NOT_FOUND", `${request.method} ${path} is no call of git's smart HTTP`);
  const left = new AbortController();
  response.once("close", () => left.abort());
  const patience = AbortSignal.any([left.signal, AbortSignal.timeout(PATIENCE_MS)]);
  await TURNS.run(ask.life, () => transfer(request, response, { ...ask, path, query }), patience);
}

async function transfer(
  request: IncomingMessage,
  response: ServerResponse,
  { folder, ship, branch, path, query }: Ask & { path: string; query: string },
): Promise<void> {
  if (query === "service=git-receive-pack") await offerTip(folder, ship, branch);

  if (response.destroyed) return; // The caller has left meanwhile, and would end nothing any more.

  const header = (name: string) => String(request.headers[name] ?? "");
  const child = spawn("git", ["http-backend"], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
    env: gitEnv(rules(ship), {
      GIT_PROJECT_ROOT: folder.repo,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method!,
      REMOTE_USER: ship,
      REMOTE_ADDR: request.socket.remoteAddress ?? "",
      CONTENT_TYPE: header("content-type"),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      GIT_PROTOCOL: header("git-protocol"),
      // Without a length, as of a chunked body, git reads to the end.
      ...(request.headers["content-length"] ? { CONTENT_LENGTH: header("content-length") } : {}),
    }),
  });
  const end = () => signalGroup(child.pid, "SIGTERM");
  request.setTimeout(QUIET_MS, () => request.destroy());
  response.once("close", end);
  request.on("error", end);
  child.stdin.on("error", () => {});
  request.pipe(child.stdin);
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
    relay(child.stdout, response);
  });
  if (!response.headersSent) throw new HttpError(500, "GIT", "git http-backend ended without an answer");
  response.end();
}

/**
 * The settings by which git lets a ship push to its own refs alone. `receive.denyDeletes` and `denyNonFastForwards`
 * speak of refs/heads only, so a ship may also move back or delete what it pushed itself.
 */
function rules(ship: string): GitConfig {
  return [
    ["http.getanyfile", "false"],
    ["receive.hideRefs", "refs"],
    ["receive.hideRefs", `!refs/ships/${ship}`],
    ["receive.autogc", "false"],
    ["receive.fsckObjects", "true"],
    ["receive.advertisePushOptions", "false"],
  ];
}

/**
 * Puts the tip where a ship may see it. Hidden refs are not offered, and without one its first push would send the
 * whole history again.
 */
async function offerTip(folder: VoyageFolder, ship: string, branch: string): Promise<void> {
  const bare = { gitDir: folder.repo };
  const tip = await gitLine(["rev-parse", `refs/heads/${branch}`], bare);
  await git(["update-ref", `refs/ships/${ship}/tip`, tip], { ...bare, okCodes: [0, 128] });
}

/** Relays the answer of a CGI program: header lines, an empty line, then the body as it comes. */
function relay(from: NodeJS.ReadableStream, response: ServerResponse): void {
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const crlf = head.indexOf("\r\n\r\n");
    const end = crlf >= 0 ? crlf : head.indexOf("\n\n");
    if (end < 0) return;
    from.off("data", onHead);
    const headers: Record<string, string> = {};
    let status = 200;
    for (const line of head.subarray(0, end).toString("latin1").split(/\r?\n/)) {
      const colon = line.indexOf(":");
      const [name, value] = [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
      if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
      else if (colon > 0) headers[name] = value;
    }
    response.writeHead(status, headers);
    response.write(head.subarray(end + (crlf >= 0 ? 4 : 2)));
    from.pipe(response, { end: false });
  };
  from.on("data", onHead);
}
