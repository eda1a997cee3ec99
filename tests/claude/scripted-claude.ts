import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Puts a **stand-in** of Claude Code itself into `folder`, for a PATH: a shell program that tells its runs in the words
 * of the real one. It is for what the crew makes of many runs, each of which the real Claude Code has been seen to
 * tell: that it does so is for tests of the real one. `body` says what the run `$n` of the task `$task` does: it
 * `answers`, and it `fails` by the API, or it `ends`; a run that does neither has crashed.
 */
export function scriptedClaude(folder: string, body: string): string {
  mkdirSync(folder);
  writeFileSync(join(folder, "claude"), `${PROGRAM}\n${body}\n`, { mode: 0o755 });
  return folder;
}

const line = (event: object) => `echo '${JSON.stringify(event)}'`;
const usage = { input_tokens: 10, output_tokens: 10 };

const PROGRAM = `#!/bin/sh
task=$(sed -n 's/^# Task \\([0-9]*\\):.*/\\1/p' | head -n 1)
while [ $# -gt 0 ]; do case $1 in --session-id | --resume) session=$2 ;; esac; shift; done
mkdir -p ~/.claude/projects/tree
# A run that resumes a session is not told the task again.
[ -n "$task" ] && echo "$task" > ~/.claude/projects/tree/$session.jsonl
task=$(cat ~/.claude/projects/tree/$session.jsonl)
echo run >> ~/runs-$task
n=$(wc -l < ~/runs-$task)
answers() { ${line({ type: "assistant", message: { id: "m", content: [{ type: "text", text: "Hm." }], usage } })}; }
fails() { ${line({ type: "result", is_error: true, result: "API Error: 400 Not now", num_turns: 1, usage })}; exit 1; }
ends() { ${line({ type: "result", is_error: false, result: "I looked around.", num_turns: 1, usage })}; exit 0; }
${line({ type: "system", subtype: "init", tools: ["TaskList", "TaskUpdate"] })}`;
