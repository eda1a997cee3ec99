import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { connect } from "node:net";

/**
 * The vendor's provider processes of this project's whose engine was killed before their first call: nothing of ours runs in them that could end them, and they
 * wait for ever. Known by what they are, where they are, that nobody holds the other end of their standard input, and that nobody listens at their engine's
 * address. Empty where there is no /proc.
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

/** Is the standard input of this process a pipe that nobody can write to? */
function isLetGo(pid: number): boolean {
  const pipe = look(() => readlinkSync(`/proc/${pid}/fd/0`));
  if (!pipe?.startsWith("pipe:")) return false;
  const writes = (other: number, fd: number) =>
    look(() => readlinkSync(`/proc/${other}/fd/${fd}`)) === pipe &&
    /^flags:\s+\d*[12]$/m.test(look(() => readFileSync(`/proc/${other}/fdinfo/${fd}`, "utf8")) ?? "");
  return !numbersIn("/proc").some((other) => numbersIn(`/proc/${other}/fd`).some((fd) => writes(other, fd)));
}

/** Does nobody listen at that `host:port`? */
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

/** undefined for what is gone, or not ours to see. */
function look<T>(at: () => T): T | undefined {
  try {
    return at();
  } catch {
    return undefined;
  }
}
