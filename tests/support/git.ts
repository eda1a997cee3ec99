import { execFileSync } from "node:child_process";

/** Runs git in a folder, with an author and without the machine's settings, and returns its trimmed output. */
export function gitIn(cwd: string, ...args: string[]): string {
  const who = { GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@t", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@t" };
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", ...who };
  return execFileSync("git", args, { cwd, env, encoding: "utf8", timeout: 20_000, stdio: ["ignore", "pipe", "pipe"] }).trim();
}
