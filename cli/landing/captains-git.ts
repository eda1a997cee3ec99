import { OcaptainError } from "../../lib/base/errors.ts";
import { plainLines } from "../../lib/base/text.ts";
import { type GitConfig, type GitOptions, type GitResult, git } from "../../lib/git/run.ts";
import { canAsk } from "../output/ask.ts";

/**
 * The variables of git that the captain may use to say how a server is reached. Of all others git's own process would
 * take another repository, another program, or write what it sends into a trace.
 */
const REACHES =
  /^GIT_(?:ASKPASS|CONFIG_(?:COUNT|KEY_\d+|VALUE_\d+|GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH|HTTP_\w+|PROXY_\w+|SSH\w*|SSL_\w+)$/;
/** Secrets of ours that a `.env` file may have brought in, and that no push needs. */
const OURS = /^(?:OCAPTAIN|PULUMI|SPRITES?|ANTHROPIC|CLAUDE|TAILSCALE|HEADSCALE|TS)_/;

/**
 * What counts more than the captain's configuration. Neither hooks nor anything else of a repository runs, nothing is
 * signed or sent beside the branches that are named, and no server is reached by a command.
 */
const SAFE: GitConfig = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.attributesFile", "/dev/null"],
  ["push.gpgSign", "false"],
  ["push.followTags", "false"],
  ["push.recurseSubmodules", "no"],
  ["push.pushOption", ""],
  ["fetch.prune", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["fetch.writeCommitGraph", "false"],
  ["submodule.recurse", "false"],
  ["transfer.bundleURI", "false"],
  ["protocol.ext.allow", "never"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
];

/** The address of a repository without what is secret in it, and how git is told that. */
export type Remote = {
  /** Without a name or a password; it may be shown, and kept. */
  address: string;
  /** The settings by which git knows what was taken out of the address. */
  config: GitConfig;
};

/** Takes what is secret out of an address, as a captain's own configuration may have it. */
export function remoteOf(address: string): Remote {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return { address, config: [] };
  const url = new URL(address);
  const [name, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  [url.username, url.password] = ["", ""];
  const bare = url.toString();
  if (password)
    return { address: bare, config: [[`http.${url.origin}/.extraHeader`, `Authorization: Basic ${basic(name, password)}`]] };
  return { address: name ? bare : address, config: name ? [[`credential.${url.origin}.username`, name]] : [] };
}

const basic = (name: string, password: string) => Buffer.from(`${name}:${password}`).toString("base64");

/**
 * Runs git as the captain, to reach a repository that is theirs: with their credential helpers, their ssh, and their
 * `insteadOf`. That is what all other git here leaves alone (lib/git/run.ts), since it works on what others wrote; this
 * one only brings commits to and from a server, and is given all that a push typed by the captain would have, but for
 * hooks. A person at the terminal may be asked for a password.
 *
 * @param options.config  how the repository is reached: it goes through the environment, as it may hold a token
 * @throws OcaptainError GIT, with git's own words, without what is secret in them
 */
export async function gitAsCaptain(args: readonly string[], options: GitOptions): Promise<GitResult> {
  const { config = [], ...others } = options;
  const mayAsk = canAsk();
  try {
    return await git(args, { ...others, environment: captainsEnv(config, mayAsk), mayAsk });
  } catch (error) {
    if (!(error instanceof OcaptainError)) throw error;
    throw new OcaptainError(
      error.code,
      withoutSecrets(plainLines(error.message)),
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}

/** What git has written, without a name or a password in its addresses. */
export const withoutSecrets = (text: string): string => text.replace(/(\w:\/\/)[^/\s@]*@/g, "$1");

function captainsEnv(config: GitConfig, mayAsk: boolean): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && (name.startsWith("GIT_") ? REACHES.test(name) : !OURS.test(name))) env[name] = value;
  const own = /^\d{1,4}$/.test(env.GIT_CONFIG_COUNT ?? "") ? Number(env.GIT_CONFIG_COUNT) : 0;
  for (const [index, [key, value]] of [...SAFE, ...config].entries()) {
    env[`GIT_CONFIG_KEY_${own + index}`] = key;
    env[`GIT_CONFIG_VALUE_${own + index}`] = value;
  }
  env.GIT_CONFIG_COUNT = String(own + SAFE.length + config.length);
  return {
    ...env,
    // What git says is read here, and quoted.
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: mayAsk ? "1" : "0",
    ...(!mayAsk && { SSH_ASKPASS_REQUIRE: "never" }),
  };
}
