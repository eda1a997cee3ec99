import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Answers in `~/.claude.json` the questions that a first start of Claude Code's own screen would ask a person. An API
 * key is approved by its last 20 characters, which is how Claude Code itself stores that; an OAuth token is not asked
 * about. A clone is trusted by its own path alone, not by a parent's.
 */
export function answerDialogs(home: string, workspace: string, env: NodeJS.ProcessEnv): void {
  const file = join(home, ".claude.json");
  const known = read(file);
  const { ANTHROPIC_API_KEY: key } = env;
  const answered = {
    ...known,
    hasCompletedOnboarding: true,
    ...(key && { customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] } }),
    projects: { ...(known.projects as object | undefined), [workspace]: { hasTrustDialogAccepted: true } },
  };
  writeFileSync(file, JSON.stringify(answered, null, 2), { mode: 0o600 });
}

/** Reads the file; nothing when it is not there, or an agent has broken it. */
function read(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}
