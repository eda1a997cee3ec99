/**
 * The program that Claude Code runs as a hook: it asks the supervisor, by a unix socket, whether what the agent is
 * about to do may be done. It is called as `node gate.js <socket>` with the hook's JSON on stdin. A clear yes or no is
 * exit status 0, with the no as JSON on stdout; **everything else is exit status 2**, which is the only failure that
 * Claude Code does not take for a yes.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Verdict } from "./gatekeeper.ts";

function fail(why: string): never {
  process.stderr.write(`The ship's gate does not answer (${why}), so this is not allowed. Wait a little and try again.\n`);
  process.exit(2);
}
process.on("uncaughtException", (error) => fail(error.message));
process.on("unhandledRejection", (error) => fail(String(error)));

const input = readFileSync(0, "utf8");
const asked = JSON.parse(input) as { hook_event_name?: string };
/** The hook's name. Claude Code asks for its status line in the same way, but gives that no name. */
const event = asked.hook_event_name ?? "StatusLine";
const socket = connect(process.argv[2]!);
socket.on("error", (error) => fail(error.message));
socket.end(`${JSON.stringify({ pid: process.pid, input: { ...asked, hook_event_name: event } })}\n`);
let text = "";
socket.setEncoding("utf8").on("data", (chunk) => (text += chunk));
socket.on("close", () => {
  const verdict = JSON.parse(text) as Verdict;
  if (verdict.allow === true) {
    const { context = "" } = verdict;
    const told =
      event === "PreToolUse" && context
        ? JSON.stringify({
            hookSpecificOutput: { hookEventName: event, permissionDecision: "allow", additionalContext: context },
          })
        : context;
    process.stdout.write(told, () => process.exit(0));
    return;
  }
  if (verdict.allow !== false || typeof verdict.reason !== "string") fail("a bad answer");
  const denied =
    event === "PreToolUse"
      ? { hookSpecificOutput: { hookEventName: event, permissionDecision: "deny", permissionDecisionReason: verdict.reason } }
      : { decision: "block", reason: verdict.reason };
  process.stdout.write(JSON.stringify(denied), () => process.exit(0));
});
