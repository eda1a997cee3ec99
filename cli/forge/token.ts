import { execa } from "execa";
import { inherited } from "../../lib/daemons/environment.ts";
import { tokensOf } from "../../lib/git/server-token.ts";
import type { ForgeKind, ForgePlace } from "./forge.ts";

/** What opens the API: the value of the header `authorization`. */
export type Key = { authorization: string; from: string };

export type KeyAsk = { place: ForgePlace; env: NodeJS.ProcessEnv; isNamed: boolean; signal?: AbortSignal | undefined };

const WAIT_MS = 10_000;
const MOST_BYTES = 64 * 1024;

/**
 * Finds the token for a forge: of the environment, of GitHub's own command, else what git would send to that server by
 * the captain's credential helpers. A token is used only for the server that it is for: the origin may come from a
 * plan, and so from a stranger. Returns null where there is none. It is handed on in memory alone.
 */
export async function findKey(ask: KeyAsk): Promise<Key | null> {
  const { kind, web } = ask.place;
  const url = new URL(web);
  return (
    fromEnvironment(kind, url, ask) ??
    (kind === "github" ? await keyOfGh(url.hostname, ask) : null) ??
    (await fromGit(ask.place, ask))
  );
}

/**
 * Says which variable is set and was not used, and why; "" where there is none. It names no value.
 */
export function unusedToken({ place: { kind, web }, env, isNamed }: Omit<KeyAsk, "signal">): string {
  const { origin } = new URL(web);
  if (kind === "github" || isNamed) return "";
  const [name] = tokensOf(kind).find(([variable]) => env[variable]) ?? [];
  return name ? `${name} is set, and nothing says for which server: set ${name.replace("TOKEN", "SERVER_URL")}=${origin}` : "";
}

function fromEnvironment(kind: ForgeKind, { origin, hostname }: URL, { env, isNamed }: KeyAsk): Key | null {
  if (kind === "github") {
    const named = env.GH_HOST?.toLowerCase() || "github.com";
    const isOwn = hostname === "github.com" || hostname.endsWith(".ghe.com");
    const names = isOwn
      ? ["GH_TOKEN", "GITHUB_TOKEN"]
      : ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"];
    const name = hostname === named ? names.find((each) => env[each]) : undefined;
    return name ? { authorization: `Bearer ${env[name]}`, from: name } : null;
  }
  const row = tokensOf(kind).find(
    ([token, server]) => env[token] && (isNamed || URL.parse(env[server] ?? "")?.origin === origin),
  );
  return row ? { authorization: `token ${env[row[0]]}`, from: row[0] } : null;
}

/** Asks GitHub's own command, where it is there, for the token of a host. */
export async function keyOfGh(hostname: string, { env, signal }: Pick<KeyAsk, "env" | "signal">): Promise<Key | null> {
  const asked = await execa("gh", ["auth", "token", "--hostname", hostname], {
    ...{ env, extendEnv: false, reject: false, stdin: "ignore", timeout: WAIT_MS, maxBuffer: MOST_BYTES },
    ...(signal && { cancelSignal: signal }),
  });
  const token = asked.exitCode === 0 ? asked.stdout.trim() : "";
  return isWord(token) ? { authorization: `Bearer ${token}`, from: "gh auth token" } : null;
}

/**
 * Asks git for what it would send to that address. It runs the person's own helpers, as a push does, and neither
 * prompts nor reads the configuration of any repository.
 */
async function fromGit({ kind, web }: ForgePlace, { env, signal }: KeyAsk): Promise<Key | null> {
  const { protocol, host, pathname } = new URL(web);
  const asked = await execa("git", ["credential", "fill"], {
    input: `protocol=${protocol.replace(":", "")}\nhost=${host}\npath=${pathname.slice(1)}\n\n`,
    cwd: "/",
    env: {
      ...inherited("git of the person"),
      ...picked(env, ["HOME", "PATH", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"]),
      ...{ GIT_TERMINAL_PROMPT: "0", GIT_ASKPASS: "true", SSH_ASKPASS: "true", GCM_INTERACTIVE: "never", LC_ALL: "C" },
    },
    ...{ extendEnv: false, reject: false, timeout: WAIT_MS, maxBuffer: MOST_BYTES, ...(signal && { cancelSignal: signal }) },
  });
  if (asked.exitCode !== 0) return null;
  const said = new Map(asked.stdout.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
  const [username = "", password = ""] = [said.get("username"), said.get("password")];
  if (!password || said.get("host") !== host) return null;
  const from = "git's credential helper";
  if (kind === "github") return isWord(password) ? { authorization: `Bearer ${password}`, from } : null;
  // It may be a password as well as a token, and Gitea takes both in this way.
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`, from };
}

/** Whether a token is one word, as anything else would not be a header. */
const isWord = (token: string) => /^[\x21-\x7e]{1,4096}$/.test(token);

const picked = (env: NodeJS.ProcessEnv, names: readonly string[]) =>
  Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
