import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { OcaptainError } from "../../lib/base/errors.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { claudeArguments, harborClaude } from "../../lib/daemons/harbor-claude.ts";
import { systemArguments } from "../../lib/daemons/harbor-system.ts";
import { confinementProblem } from "../../lib/preflight/confinement.ts";
import { enterShip, enterShipFromHarbor, insideShip, SHIP_HOME, SHIP_TOOLS, type ShipAddress, SYSTEM_PATH } from "./enter.ts";
import { etcArguments } from "./ship-etc.ts";
import { childrenOf } from "./signals.ts";
import type { ShipPlace, Vm } from "./vm.ts";

const shipRoot = fileURLToPath(new URL("../ship-root/", import.meta.url));
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;

type Confinement = ShipAddress & {
  /** `pid:[4026…]`, which tells this confinement from a later process with the same number. */
  pidNamespace: string;
  ended: Promise<void>;
};

/**
 * Starts a ship in a bubblewrap confinement, with its own user, mount, pid, ipc and uts namespace.
 * @throws OcaptainError UNCONFINED when bubblewrap is missing or not allowed here
 */
export async function startConfined(place: ShipPlace): Promise<Vm> {
  const vm = await startConfinement(place);
  const { link, limits } = place;
  await link?.join(vm.monitorPid).catch(async (error: unknown) => {
    await endConfinement(vm, () => {});
    throw error;
  });
  const thaw = async () => {
    await link?.resume();
    await thawConfinement(vm);
  };
  return {
    ended: vm.ended,
    helpers: "/.sprite/lib",
    systemPath: SYSTEM_PATH,
    enter: (options) => [...limits.enter, ...enterShip(vm, options)],
    enterFromHarbor: (options) => [...limits.enter, ...enterShipFromHarbor(vm, options)],
    inside: insideShip,
    commandOf: insideOf,
    stillThere: `[ "$(readlink /proc/${vm.initPid}/ns/pid)" = ${shellWord(vm.pidNamespace)} ]`,
    entered: (_pid, commandLine) => /(^|\0)nsenter\0/.test(commandLine) && commandLine.includes(`\0-t\0${vm.initPid}\0`),
    async freeze() {
      await freezeConfinement(vm);
      await link?.pause(vm.monitorPid).catch(async (error: unknown) => {
        await thaw();
        throw error;
      });
    },
    thaw,
    async end(killed) {
      await endConfinement(vm, killed);
      await link?.leave();
      limits.leave();
    },
  };
}

async function startConfinement(place: ShipPlace): Promise<Confinement> {
  const own = ["--user", "--map-root-user", ...(place.link ? ["--net"] : [])];
  const [file, ...args] = [...place.limits.first, "unshare", ...own, "--", "bwrap", ...bwrapArguments(place)] as [
    string,
    ...string[],
  ];
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    cwd: "/",
    env: { PATH: process.env.PATH, LANG: "C.UTF-8" },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  const info = collect(child.stdio[3] as Readable);
  const problem = collect(child.stderr!);
  await ready(child, problem);
  const initPid = Number(JSON.parse(await info.upTo("}"))["child-pid"]);
  return {
    monitorPid: child.pid!,
    initPid,
    ownNet: place.link !== undefined,
    pidNamespace: readlinkSync(`/proc/${initPid}/ns/pid`),
    ended,
  };
}

/**
 * The child of the nsenter that was started, once it is in the ship, where it has a number in each of two pid
 * namespaces.
 */
function insideOf(outerPid: number): { hostPid: number; shipPid: string } | undefined {
  try {
    const hostPid = childrenOf(outerPid)[0];
    const ids = hostPid && /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${hostPid}/status`, "utf8"))?.[1]?.split(/\s+/);
    return hostPid && ids && ids.length > 1 ? { hostPid, shipPid: ids.at(-1)! } : undefined;
  } catch {
    return undefined; // not there yet, or gone again
  }
}

function bwrapArguments({ name, folder, link }: ShipPlace): string[] {
  const claude = harborClaude();
  for (const own of ["logs", "policy"]) mkdirSync(join(folder, own), { recursive: true, mode: 0o755 });
  return [
    ...[
      "--unshare-user",
      "--uid",
      "1000",
      "--gid",
      "1000",
      "--unshare-pid",
      "--unshare-ipc",
      "--unshare-uts",
      "--hostname",
      name,
    ],
    ...["--die-with-parent", "--info-fd", "3"],
    ...systemArguments(),
    ...etcArguments(join(folder, "etc"), name, link !== undefined),
    ...["--proc", "/proc", ...kernelSettings(), "--dev", "/dev"],
    ...["--dir", "/run", "--dir", "/var", "--symlink", "../tmp", "/var/tmp", "--dir", "/root"],
    ...["--ro-bind", join(shipRoot, "bin"), "/.sprite/bin", "--ro-bind", join(shipRoot, "lib"), "/.sprite/lib"],
    ...terminalArguments(),
    // The harbor's own Node, because the system's may be older than the 22 that a sprite has.
    ...["--ro-bind", dirname(process.execPath), "/.sprite/languages/node/bin"],
    // What a real sprite brings along and this machine has elsewhere: Claude Code, and a folder of the captain's
    // choice, read-only.
    ...(claude ? claudeArguments(claude) : []),
    ...(process.env.OCAPTAIN_HARBOR_TOOLS ? ["--ro-bind", process.env.OCAPTAIN_HARBOR_TOOLS, SHIP_TOOLS] : []),
    ...["--ro-bind", join(folder, "api.sock"), "/.sprite/api.sock"],
    ...["--ro-bind", join(folder, "logs"), "/.sprite/logs", "--ro-bind", join(folder, "policy"), "/.sprite/policy"],
    ...["--bind", join(folder, "tmp"), "/tmp", "--bind", join(folder, "home"), SHIP_HOME],
    ...["--remount-ro", "/", "--chdir", SHIP_HOME],
    ...["--", "sh", "-c", "echo ready; exec sleep infinity"],
  ];
}

/** Arguments that show a ship the package which `ship-root/lib/terminal.mjs` makes terminals with. */
function terminalArguments(): string[] {
  const package_ = createRequire(import.meta.url).resolve("@lydell/node-pty/package.json");
  const binary = `@lydell/node-pty-${process.platform}-${process.arch}`;
  const folders = [package_, createRequire(package_).resolve(`${binary}/package.json`)].map(dirname);
  return folders.flatMap((folder) => ["--ro-bind", folder, `/.sprite/node_modules/@lydell/${basename(folder)}`]);
}

/** Tries whether a ship can be confined here. @throws OcaptainError UNCONFINED when it cannot */
export async function probeConfinement(): Promise<void> {
  const problem = await confinementProblem();
  if (problem) throw unconfined(problem);
}

/**
 * Arguments that make the kernel's settings read-only. User id 0 of the machine may write them in any user namespace,
 * and a ship's user is that outside when root runs the harbor; bwrap covers them only when it is set-uid itself.
 */
function kernelSettings(): string[] {
  const paths = [
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/irq",
    "/proc/bus",
    "/proc/fs",
    "/proc/acpi",
    "/proc/mtrr",
    "/proc/scsi",
  ];
  return paths.filter((path) => existsSync(path)).flatMap((path) => ["--ro-bind", path, path]);
}

function collect(stream: Readable) {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  /**
   * The text up to the first `mark`. It may have to be waited for, because two pipes are not read in the order in which
   * they were written.
   */
  async function upTo(mark: string): Promise<string> {
    while (!text.includes(mark)) await once(stream, "data", { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
    return text.slice(0, text.indexOf(mark) + mark.length);
  }
  return { text: () => text, upTo };
}

async function ready(child: ChildProcess, problem: { text(): string }): Promise<void> {
  let reason = "";
  const started = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), START_TIMEOUT_MS);
    const settle = (ok: boolean) => {
      clearTimeout(timer);
      resolve(ok);
    };
    child.stdout!.once("data", () => settle(true));
    child.once("error", (error) => {
      reason = error.message;
      settle(false);
    });
    child.once("close", () => settle(false));
  });
  if (started) return;
  child.kill("SIGKILL");
  throw unconfined(problem.text().trim() || reason || "no answer from bwrap");
}

const unconfined = (reason: string) =>
  new OcaptainError("UNCONFINED", `a ship cannot be confined here: ${reason}`, {
    hint: "install bubblewrap and util-linux (apt-get install bubblewrap util-linux), and allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0); or give up confinement: pulumi config set ocaptain:unconfined true (npm run harbor -- --unconfined)",
  });

async function endConfinement(vm: Confinement, killed: () => void): Promise<void> {
  if (livesIn(vm)) process.kill(vm.initPid, "SIGKILL");
  killed();
  const timer = new Promise((resolve) => setTimeout(resolve, STOP_TIMEOUT_MS, "late").unref());
  if ((await Promise.race([vm.ended, timer])) !== "late") return;
  throw new OcaptainError(
    "SHIP_STUCK",
    `processes of the ship with process ${vm.initPid} did not end in ${STOP_TIMEOUT_MS / 1000} s`,
    {
      hint: `ps -ef --forest | grep -A20 " ${vm.initPid} "`,
    },
  );
}

const livesIn = (vm: Confinement) => {
  try {
    return readlinkSync(`/proc/${vm.initPid}/ns/pid`) === vm.pidNamespace;
  } catch {
    return false;
  }
};

const run = promisify(execFile);

/**
 * Shell script that stops everything but the ship's process 1, until a whole round finds nothing that runs.
 *
 * One process after the other, parents (of lower numbers) first: with `kill -STOP -1` an interactive shell could still
 * see its foreground job as stopped and take the terminal back, and tmux could continue what it saw stopped. A process
 * stops when it is next scheduled, which takes milliseconds on a busy machine. State D is left alone after a while: a
 * parent that waits for a child which is stopped.
 */
const FREEZE = `look() { { read -r line <"/proc/$1/stat"; } 2>/dev/null || { state=gone; return; }; state=\${line##*) }; state=\${state%% *}; }
for round in $(seq 200); do
  running= waiting=
  for pid in $(ls /proc | grep '^[0-9]*$' | sort -n); do
    case $pid in 1|$$) continue ;; esac
    look $pid
    case $state in R|S) running=$pid ;; D) waiting=$pid ;; *) continue ;; esac
    kill -STOP $pid 2>/dev/null
    for try in 1 2 3 4 5 6 7 8 9 10; do
      look $pid
      case $state in R|S) ;; *) break ;; esac
      [ $try -lt 3 ] || sleep 0.002
    done
  done
  [ -z "$running" ] && { [ -z "$waiting" ] || [ $round -gt 20 ]; } && exit 0
  [ -n "$running" ] || sleep 0.01
done
echo "still running: $running" >&2; exit 1`;

/**
 * Shell script that continues everything, children before parents, so that a shell does not see its foreground job as
 * stopped.
 */
const THAW = `for pid in $(ls /proc | grep '^[0-9]*$' | sort -rn); do
  case $pid in 1|$$) ;; *) kill -CONT $pid 2>/dev/null ;; esac
done; exit 0`;

async function freezeConfinement(vm: Confinement): Promise<void> {
  try {
    await inShip(vm, FREEZE);
  } catch (error) {
    await thawConfinement(vm);
    throw error;
  }
}

const thawConfinement = (vm: Confinement) => inShip(vm, THAW);

async function inShip(vm: Confinement, script: string): Promise<void> {
  const [file = "", ...args] = [...enterShip(vm, { env: { PATH: SYSTEM_PATH } }), "/bin/sh", "-c", script];
  await run(file, args, { timeout: 10_000, env: { PATH: process.env.PATH } }).catch((error: Error & { stderr?: string }) => {
    throw new OcaptainError(
      "SHIP_STUCK",
      `in the ship with process ${vm.initPid}: ${error.stderr?.trim() || "no answer in 10 s"}`,
    );
  });
}
