import { execFileSync } from "node:child_process";

const who = { GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@t", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@t" };
/** An environment with an author, and without the settings of the person who runs the tests. */
export const nobodysEnv = {
  PATH: process.env.PATH,
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  ...who,
};

/** Runs git in a folder, with an author and without the machine's settings, and returns its trimmed output. */
export function gitIn(cwd: string, ...args: string[]): string {
  const stdio = ["ignore", "pipe", "pipe"] as const;
  return execFileSync("git", args, { cwd, env: nobodysEnv, encoding: "utf8", timeout: 20_000, stdio: [...stdio] }).trim();
}
