import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../base/atomic-file.ts";
import { OcaptainError } from "../base/errors.ts";
import { helmHome } from "../base/paths.ts";

/** The helm as a process of the system, for when it does not answer. */

const noteFile = () => join(helmHome(), "pid");

/** Writes down the process id of the helm; the helm itself calls it. */
export const noteHelmProcess = () => writeAtomically(noteFile(), `${process.pid}\n`, 0o600);

/**
 * Finds the process of the helm; null when none is known to run. `stopped` means by a signal, as Ctrl-Z sends it: it
 * does nothing until it goes on.
 */
export function helmProcess(): { pid: number; stopped: boolean } | null {
  try {
    const pid = Number(readFileSync(noteFile(), "utf8"));
    if (!(Number.isInteger(pid) && pid > 1)) return null;
    process.kill(pid, 0);
    if (process.platform !== "linux") return { pid, stopped: false };
    if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("helm/main.")) return null;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const state = stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "";
    return "ZX".includes(state) ? null : { pid, stopped: "Tt".includes(state) };
  } catch {
    return null;
  }
}

/** Makes the error HELM_SILENT, with what helps; null when no helm runs. */
export function silentHelm(): OcaptainError | null {
  const helm = helmProcess();
  if (!helm) return null;
  const { pid, stopped } = helm;
  const hint = stopped
    ? `kill -CONT ${pid}  # it was stopped by a signal`
    : `kill -9 ${pid} && pulumi up  # nothing is lost: what it knows is on disk`;
  return new OcaptainError("HELM_SILENT", `the helm (process ${pid}) runs and does not answer`, { hint });
}
