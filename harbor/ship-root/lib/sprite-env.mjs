// `sprite-env curl [options] PATH` calls the ship's own API, by its socket. It knows the options of curl that such a
// call needs, with curl's meanings and exit statuses; any other is refused, not ignored.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

// An import would read all that the module exports, for which Node loads the client of `fetch`: twice the time of this
// program, which runs in the start of each ship.
const { request } = createRequire(import.meta.url)("node:http");

/** The socket of the ship's API. An unconfined ship has no /.sprite, and a variable names it. */
const socketPath = process.env.OCAPTAIN_SPRITE_SOCKET || "/.sprite/api.sock";
const ANSWER_MS = 30_000;

const USAGE = `sprite-env curl [options] PATH      calls this machine's own API: sprite-env curl /v1/tasks
  -X, --request METHOD     -H, --header LINE      -d, --data TEXT|@FILE|@-
  -f, --fail               -o, --output FILE      -w, --write-out FORMAT (knows %{http_code} and \\n)
  -s, --silent             -S, --show-error
The harbor serves "curl" only.`;

const options = {
  request: { type: "string", short: "X" },
  header: { type: "string", short: "H", multiple: true, default: [] },
  data: { type: "string", short: "d", multiple: true },
  fail: { type: "boolean", short: "f" },
  output: { type: "string", short: "o" },
  "write-out": { type: "string", short: "w", default: "" },
  silent: { type: "boolean", short: "s" },
  "show-error": { type: "boolean", short: "S" },
};

const call = readCall();
const data = call.data
  ?.map((text) => (text.startsWith("@") ? readFileSync(text === "@-" ? 0 : text.slice(1), "utf8") : text))
  .join("&");
const asked = request({
  socketPath,
  path: call.path,
  method: call.request ?? (data === undefined ? "GET" : "POST"),
  headers: {
    ...(data !== undefined && { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(data) }),
    ...Object.fromEntries(call.header.map((line) => [line.split(":")[0], line.slice(line.indexOf(":") + 1).trim()])),
  },
  signal: AbortSignal.timeout(ANSWER_MS),
});
asked.once("error", (error) => fail(error.name === "TimeoutError" ? 28 : 7, `${socketPath}: ${error.message}`));
asked.once("response", async (reply) => {
  const body = Buffer.concat(await reply.toArray());
  const refused = call.fail && reply.statusCode >= 400;
  if (!refused && call.output) writeFileSync(call.output, body);
  if (!refused && !call.output) process.stdout.write(body);
  process.stdout.write(call["write-out"].replaceAll("%{http_code}", reply.statusCode).replaceAll("\\n", "\n"));
  if (refused) fail(22, `The requested URL returned error: ${reply.statusCode}`);
});
asked.end(data);

function readCall() {
  const [command, ...args] = process.argv.slice(2);
  try {
    if (command !== "curl") throw new Error(command ? `no command "${command}"` : "a command is wanted");
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length !== 1) throw new Error("one PATH is wanted");
    return { ...values, path: positionals[0].replace(/^https?:\/\/[^/]+/, "") };
  } catch (error) {
    process.stderr.write(`sprite-env: ${error.message}\n${USAGE}\n`);
    return process.exit(2);
  }
}

/** Ends with curl's message and exit status, and without the message when -s is given and -S is not. */
function fail(status, message) {
  if (!call.silent || call["show-error"]) process.stderr.write(`curl: (${status}) ${message}\n`);
  process.exitCode = status;
}
