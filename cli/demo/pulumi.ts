import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { OcaptainError } from "../../lib/base/errors.ts";
import { PROJECT } from "../../lib/base/program-file.ts";

/** One step of a resource, as the engine reports it. */
export type ResourceStep = { phase: "started" | "done" | "failed"; op: string; type: string; name: string };

/** The parts of an engine event that we look at (`apitype/events.go` of pulumi 3). */
type EngineEvent = {
  resourcePreEvent?: { metadata: { op: string; urn: string; type: string } };
  resOutputsEvent?: { metadata: { op: string; urn: string; type: string } };
  resOpFailedEvent?: { metadata: { op: string; urn: string; type: string } };
  diagnosticEvent?: { message: string; severity: string; urn?: string; ephemeral?: boolean };
};

export type RunOptions = {
  env: Record<string, string>;
  signal?: AbortSignal;
  onStep?: (step: ResourceStep) => void;
};

/**
 * Runs the real CLI on the project and reports its resource steps while it works.
 * @throws OcaptainError PULUMI with the engine's own errors when it fails.
 */
export async function pulumi(args: readonly string[], options: RunOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "oc-events-"));
  const log = join(folder, "events");
  // The event log is what the vendor's Automation API reads; the flag is hidden behind this variable.
  const env = { ...options.env, PULUMI_DEBUG_COMMANDS: "true" };
  const follows = options.onStep !== undefined;
  const running = execa("pulumi", [...args, "--non-interactive", "--color", "never", ...(follows ? ["--event-log", log] : [])], {
    cwd: PROJECT,
    env,
    all: true,
    reject: false,
    // A second signal makes the engine forget what it is doing: it gets ours alone, not a terminal's Ctrl-C as well,
    // and time to finish.
    detached: true,
    cancelSignal: options.signal ?? new AbortController().signal,
    killSignal: "SIGINT",
    forceKillAfterDelay: false,
  });
  const errors: string[] = [];
  let ended = false;
  const following = follows
    ? follow(
        log,
        () => ended,
        (event) => report(event, options.onStep ?? (() => {}), errors),
      )
    : null;
  const result = await running;
  ended = true;
  await following;
  await rm(folder, { recursive: true, force: true });
  if (result.exitCode === 0) return String(result.stdout);
  if (options.signal?.aborted) throw new OcaptainError("INTERRUPTED", `pulumi ${args[0]} was interrupted`);
  throw new OcaptainError("PULUMI", `pulumi ${args[0]} failed:\n${errors.join("\n") || String(result.all).trim().slice(-3000)}`);
}

function report(event: EngineEvent, onStep: (step: ResourceStep) => void, errors: string[]): void {
  const say = (phase: ResourceStep["phase"], at?: { op: string; urn: string; type: string }) => {
    if (at && at.op !== "same" && at.type.includes("dynamic"))
      onStep({ phase, op: at.op, type: at.type.split(":").at(-1) ?? "", name: at.urn.split("::").at(-1) ?? "" });
  };
  say("started", event.resourcePreEvent?.metadata);
  say("done", event.resOutputsEvent?.metadata);
  say("failed", event.resOpFailedEvent?.metadata);
  if (event.diagnosticEvent?.severity === "error") errors.push(event.diagnosticEvent.message.trim());
}

/** Reads a file of JSON lines while it grows; the writer gives no event, so it is looked at ten times a second. */
async function follow(file: string, ended: () => boolean, onEvent: (event: EngineEvent) => void): Promise<void> {
  let text = "";
  let at = 0;
  for (;;) {
    const last = ended();
    const handle = await open(file, "r").catch(() => null);
    if (handle) {
      const { size } = await handle.stat();
      const chunk = Buffer.alloc(size - at);
      await handle.read(chunk, 0, chunk.length, at);
      await handle.close();
      at = size;
      text += chunk.toString("utf8");
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) if (line) onEvent(JSON.parse(line) as EngineEvent);
    }
    if (last) return;
    await sleep(100);
  }
}
