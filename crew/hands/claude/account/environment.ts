import type { ThisShip } from "../../../machine/ship.ts";
import { readCredentials } from "./credentials.ts";

/** What facts: claude-code §1.1 and §3 call for, over `base`; the credentials are in this environment and in no other. */
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
    // A ship is the sandbox: without this Claude Code does not work unattended as root (facts: claude-code §3).
    ...(process.getuid!() === 0 && { IS_SANDBOX: "1" }),
  };
}
