import type { ThisShip } from "../../../machine/ship.ts";
import { readCredentials } from "./credentials.ts";

/**
 * Makes Claude Code's environment from `base`: the voyage's task list, the Task tools, no updates, and the credentials,
 * which are in this environment and in no other (docs/facts/claude-code.md).
 */
export function claudeEnvironment(ship: ThisShip, base: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { TMUX: _session, TMUX_PANE: _pane, ...env } = base;
  return {
    ...env,
    ...readCredentials(ship),
    CLAUDE_CODE_TASK_LIST_ID: ship.config.taskList,
    CLAUDE_CODE_ENABLE_TODO_TOOLS: "1",
    CLAUDE_CODE_ENABLE_TASKS: "1",
    ENABLE_TOOL_SEARCH: "false",
    CLAUDE_CODE_MAX_RETRIES: "3",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // A ship is the sandbox. Without this variable Claude Code refuses to work unattended as root.
    ...(process.getuid!() === 0 && { IS_SANDBOX: "1" }),
  };
}
