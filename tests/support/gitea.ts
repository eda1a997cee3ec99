import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { freePort } from "../../lib/base/free-port.ts";
import { readStamp } from "../../tools/places.mjs";
import { setup } from "../../tools/setup.mjs";
import { until } from "./until.ts";

const READY_MS = 90_000;
const STOP_MS = 10_000;
const PASSWORD = "correct-horse-battery";

export type Gitea = Awaited<ReturnType<typeof startGitea>>;

/**
 * Starts a real Gitea on loopback, with a folder of its own and one user, `captain`, who may do all. It is set-up's
 * on-demand part, which is built once. `stop` ends it with SIGTERM, `kill` with SIGKILL; `start` goes on with what is
 * there, at the same address; `close` removes it.
 */
export async function startGitea() {
  await setup({ quiet: true, names: ["gitea"] });
  const { path: program, folder: parts } = readStamp("gitea");
  const folder = await mkdtemp(join(tmpdir(), "og-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = join(folder, "log");
  // Nothing of what a test sets for the captain, nor the person's git configuration.
  const env = { PATH: process.env.PATH, HOME: folder, TMPDIR: folder };
  await writeFile(join(folder, "app.ini"), configuration(folder, parts, port));
  const args = ["--work-path", folder, "--config", join(folder, "app.ini")];
  let child: ChildProcess | undefined;

  const run = async (...more: string[]) =>
    (await execa(program, [...args, ...more], { timeout: 60_000, stdin: "ignore", env, extendEnv: false })).stdout;
  const said = async () => (await readFile(log, "utf8").catch(() => "")).split("\n").slice(-15).join("\n");

  const start = async () => {
    const out = openSync(log, "a");
    child = spawn(program, [...args, "web"], { stdio: ["ignore", out, out], env });
    closeSync(out);
    const starting = child;
    const isReady = async () => {
      if (starting.exitCode !== null) throw new Error(`gitea ended: ${await said()}`);
      return fetch(`${url}/api/v1/version`, { signal: AbortSignal.timeout(1000) }).then(
        (reply) => reply.ok,
        () => false,
      );
    };
    await until("an answer of gitea", isReady, READY_MS, { everyMs: 30, said });
  };
  const end = async (signal: NodeJS.Signals) => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill(signal);
    const timer = setTimeout(() => running.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
  };

  await run("migrate");
  const made = await run(
    ...["admin", "user", "create", "--username", "captain", "--password", PASSWORD, "--email", "captain@example.com"],
    ...["--admin", "--must-change-password=false", "--access-token", "--access-token-scopes", "all"],
  );
  const token = /\b[0-9a-f]{40}\b/.exec(made)?.[0] ?? "";
  await start();

  /** Calls its API as a user. Fails for a status from 400 on. */
  async function api(method: string, path: string, json?: unknown, by = token) {
    const reply = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: by.includes(" ") ? by : `token ${by}`, "content-type": "application/json" },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    const text = await reply.text();
    if (reply.status >= 400) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  return {
    ...{ url, token, folder, api, said, start },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),

    /** Makes a user and a token of theirs. */
    async user(name: string, scopes: readonly string[] = ["all"]): Promise<string> {
      const account = { username: name, password: PASSWORD, email: `${name}@example.com`, must_change_password: false };
      await api("POST", "/admin/users", account);
      return (await api("POST", `/users/${name}/tokens`, { name: "test", scopes }, basic(name))).sha1;
    },

    /** Makes a private repository of the captain's, whose branch `main` has one commit, and gives its address. */
    async repository(name: string): Promise<string> {
      await api("POST", "/user/repos", { name, private: true, auto_init: true, default_branch: "main" });
      return `${url}/captain/${name}.git`;
    },

    /** Commits a file to a branch, which is made where `from` names another, and gives the commit. */
    async commit(repo: string, branch: string, file: string, content: string, from?: string): Promise<string> {
      const about = { content: Buffer.from(content).toString("base64"), message: `${file} on ${branch}` };
      const where = from === undefined ? { branch } : { branch: from, new_branch: branch };
      return (await api("POST", `/repos/captain/${repo}/contents/${file}`, { ...about, ...where })).commit.sha;
    },

    close: async () => {
      await end("SIGTERM");
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

const basic = (name: string) => `Basic ${Buffer.from(`${name}:${PASSWORD}`).toString("base64")}`;

/** A configuration without the internet, mail, or anything that works in the background. */
const configuration = (folder: string, parts: string, port: number) => `
APP_NAME = Gitea
RUN_MODE = prod
RUN_USER = ${userInfo().username}
WORK_PATH = ${folder}
${process.getuid?.() === 0 ? "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true" : ""}

[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
STATIC_ROOT_PATH = ${parts}
DISABLE_SSH = true
OFFLINE_MODE = true

[database]
DB_TYPE = sqlite3
PATH = ${join(folder, "gitea.db")}

[repository]
ROOT = ${join(folder, "repositories")}

[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2

[service]
DISABLE_REGISTRATION = true
REQUIRE_SIGNIN_VIEW = false

[indexer]
ISSUE_INDEXER_TYPE = db

[queue]
TYPE = channel

[session]
PROVIDER = memory

[cron]
ENABLED = false

[actions]
ENABLED = false

[log]
MODE = console
LEVEL = Warn
`;
