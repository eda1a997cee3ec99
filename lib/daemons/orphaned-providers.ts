import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { connect } from "node:net";

/**
 * Returns the ids of this project's Pulumi provider processes whose engine was killed before their first call. No code
 * of ours runs in them yet that could end them, so they wait for ever. They are known by their command and folder, and
 * because nobody can write to their standard input or listens at their engine's address. Empty where there is no /proc.
 */
export async function orphanedProviders(project: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of numbersIn("/proc")) {
    const [, script, engine] = look(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"))?.split("\0") ?? [];
    if (!script || !/@pulumi\/pulumi\/cmd\/dynamic-provider(\/index\.js|\/)?$/.test(script)) continue;
    if (look(() => statSync(`/proc/${pid}`).uid) !== process.getuid?.()) continue;
    if (look(() => readlinkSync(`/proc/${pid}/cwd`)) !== project) continue;
    if (isLetGo(pid) && engine && (await isDeaf(engine))) found.push(pid);
  }
  return found;
}

/** Tells whether the standard input of a process is a pipe that no process can write to. */
function isLetGo(pid: number): boolean {
  const pipe = look(() => readlinkSync(`/proc/${pid}/fd/0`));
  if (!pipe?.startsWith("pipe:")) return false;
  const writes = (other: number, fd: number) =>
    look(() => readlinkSync(`/proc/${other}/fd/${fd}`)) === pipe &&
    /^flags:\s+\d*[12]$/m.test(look(() => readFileSync(`/proc/${other}/fdinfo/${fd}`, "utf8")) ?? "");
  return !numbersIn("/proc").some((other) => numbersIn(`/proc/${other}/fd`).some((fd) => writes(other, fd)));
}

/** Tells whether nobody listens at a `host:port` of this machine. */
function isDeaf(address: string): Promise<boolean> {
  const [, host, port] = /^(127\.0\.0\.1|localhost|\[::1\]):(\d+)$/.exec(address) ?? [];
  if (!host || !port) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(Number(port), host.replace(/[[\]]/g, ""));
    socket.setTimeout(1_000, () => resolve(false));
    socket.once("connect", () => resolve(false));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
    socket.once("close", () => socket.destroy());
  });
}

const numbersIn = (folder: string): number[] =>
  (look(() => readdirSync(folder)) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);

/** Returns what `at` reads, or undefined if that has gone or we may not see it. */
function look<T>(at: () => T): T | undefined {
  try {
    return at();
  } catch {
    return undefined;
  }
}
