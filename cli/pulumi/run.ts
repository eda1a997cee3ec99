import { spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { setUpCommand } from "../../lib/base/set-up-command.ts";
import { waitedFor } from "../output/waited-for.ts";
import { type EngineEvent, followEvents } from "./engine-events.ts";

/** One step of a resource, as the engine reports it. */
export type ResourceStep = { phase: "started" | "done" | "failed"; op: string; type: string; name: string };

/** A remark, warning or error of the engine, the program or a resource. */
export type Said = { severity: "info" | "warning" | "error"; message: string };

export type RunOptions = {
  /** The folder of the Pulumi project. */
  folder: string;
  env: Record<string, string | undefined>;
  /** Interrupts the run as Ctrl-C interrupts `pulumi`: what is under way is brought to its end. */
  signal?: AbortSignal | undefined;
  /** Text for the standard input, which no list of processes shows. */
  input?: string | undefined;
  onStep?: ((step: ResourceStep) => void) | undefined;
  onSaid?: ((said: Said) => void) | undefined;
};

/** The result of a run: its output, and how many resources it changed in each way, as `{create: 3, same: 8}`. */
export type Ran = { stdout: string; changes: Record<string, number> };

/**
 * Runs the real CLI on a project and reports its resource steps while it works. It is a process group of its own: a
 * second signal makes the engine forget what it is doing, so it gets ours alone, and not a terminal's Ctrl-C as well.
 * Its output goes to a file, because an engine whose reader is gone ends at once, with all that is under way.
 * @throws OcaptainError PULUMI with the engine's own errors when it fails; INTERRUPTED; NO_PULUMI
 */
export async function pulumi(args: readonly string[], options: RunOptions): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), "oc-pulumi-"));
  try {
    return await waitedFor(runIn(folder, args, options));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runIn(folder: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const log = join(folder, "events");
  const follows = options.onStep !== undefined || options.onSaid !== undefined;
  const outputs = await Promise.all(["stdout", "stderr"].map((name) => open(join(folder, name), "w")));
  const child = spawn("pulumi", [...args, "--non-interactive", "--color", "never", ...(follows ? ["--event-log", log] : [])], {
    cwd: options.folder,
    // The event log is what the vendor's Automation API reads; the flag is hidden behind this variable.
    env: { ...process.env, ...options.env, PULUMI_DEBUG_COMMANDS: "true" },
    detached: true,
    stdio: ["pipe", ...outputs.map(({ fd }) => fd)],
  });
  // An `ocaptain` that ends before its time takes the engine along, which a second signal ends at once.
  const interrupt = () => child.kill("SIGINT");
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  child.stdin?.on("error", () => {}); // It has ended before it read that; its exit status says why.
  child.stdin?.end(options.input ?? "");
  process.on("exit", interrupt);
  options.signal?.addEventListener("abort", interrupt);
  if (options.signal?.aborted) interrupt();

  const errors: string[] = [];
  let changes: Ran["changes"] = {};
  const onEvent = (event: EngineEvent) => {
    report(event, options);
    if (event.diagnosticEvent?.severity === "error") errors.push(event.diagnosticEvent.message.trim());
    if (event.summaryEvent) changes = event.summaryEvent.resourceChanges ?? {};
  };
  try {
    const following = follows ? followEvents(log, ended, onEvent) : undefined;
    const status = await ended;
    await following;
    const [stdout = "", stderr = ""] = await Promise.all(
      ["stdout", "stderr"].map((name) => readFile(join(folder, name), "utf8")),
    );
    if (status === 0) return { stdout, changes };
    if (options.signal?.aborted) throw new OcaptainError("INTERRUPTED", `pulumi ${args[0]} was interrupted`);
    const said = errors.join("\n") || `${stdout}${stderr}`.trim().slice(-3000);
    throw new OcaptainError("PULUMI", `pulumi ${args[0]} failed:\n${said}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new OcaptainError("NO_PULUMI", "there is no pulumi on PATH", {
        hint: `${setUpCommand("pulumi")}  # or by yourself: https://www.pulumi.com/docs/install/`,
      });
    throw error;
  } finally {
    process.off("exit", interrupt);
    options.signal?.removeEventListener("abort", interrupt);
    await Promise.all(outputs.map((output) => output.close()));
  }
}

function report(event: EngineEvent, { onStep, onSaid }: RunOptions): void {
  const say = (phase: ResourceStep["phase"], at?: { op: string; urn: string; type: string }) => {
    if (at && at.op !== "same" && at.type.includes("dynamic"))
      onStep?.({ phase, op: at.op, type: at.type.split(":").at(-1) ?? "", name: at.urn.split("::").at(-1) ?? "" });
  };
  say("started", event.resourcePreEvent?.metadata);
  say("done", event.resOutputsEvent?.metadata);
  say("failed", event.resOpFailedEvent?.metadata);
  const { severity = "debug", message = "", ephemeral } = event.diagnosticEvent ?? {};
  // The CLI remarks so on the language host that set-up has put beside it.
  if (/^using pulumi-\S+ from \$PATH/.test(message)) return;
  // What a process of ours prints on its standard error is told as `info#err`.
  const kind = severity.replace(/#err$/, "");
  if ((kind === "info" || kind === "warning" || kind === "error") && !ephemeral && message.trim())
    onSaid?.({ severity: kind, message: message.trimEnd() });
}
