import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { writeAtomically } from "../base/atomic-file.ts";
import { OcaptainError, withCause } from "../base/errors.ts";
import { helmHome, ocaptainHome } from "../base/paths.ts";
import { shellWord } from "../base/shell-word.ts";
import { daemonEnvironment } from "./environment.ts";
import { HELM_EXIT, HELM_MAIN } from "./helm-build.ts";

/**
 * The helm as a service of the captain's machine, which starts it at a log-in or a boot, and again when it dies. Where
 * one is installed, whoever needs a helm has the service start it: so there is one helm, and the service knows it.
 */

export const SERVICE_KINDS = ["systemd", "launchd", "tmux"] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

const noteFile = () => join(helmHome(), "service.json");
const Note = z.object({ kind: z.enum(SERVICE_KINDS) });

const CALL_MS = 20_000;

/** The kind of the service that is installed for this captain; null when none is. */
export function installedService(): ServiceKind | null {
  try {
    return Note.parse(JSON.parse(readFileSync(noteFile(), "utf8"))).kind;
  } catch {
    return null;
  }
}

/** Notes that a service is installed, or, with null, that none is any more. */
export async function noteService(kind: ServiceKind | null): Promise<void> {
  if (kind) await writeAtomically(noteFile(), `${JSON.stringify({ kind })}\n`, 0o600);
  else rmSync(noteFile(), { force: true });
}

/** The service's name: a machine may have captains in several homes, each with a helm of its own. */
export function serviceName(): string {
  const home = ocaptainHome();
  const isUsual = home === join(homedir(), ".ocaptain");
  return isUsual ? "ocaptain-helm" : `ocaptain-helm-${createHash("sha256").update(home).digest("hex").slice(0, 8)}`;
}

/** The label of the service at launchd. */
export const launchdLabel = () => `dev.ocaptain.${serviceName()}`;
/** The session of this user in which launchd keeps the agent, and the agent in it. */
export const launchdDomain = () => `gui/${process.getuid?.() ?? 0}`;
export const launchdTarget = () => `${launchdDomain()}/${launchdLabel()}`;
/** The socket of the tmux server in which a helm runs where the machine has no manager of services. */
const tmux = (...args: string[]) => ["tmux", "-L", serviceName(), ...args];

/** The file that each kind of service runs; it holds the helm's environment, and is the captain's alone. */
export const serviceScript = () => join(helmHome(), "service.sh");
export const serviceLog = () => join(helmHome(), "output.log");

/** What a session has of its own, and the helm takes from the session in which it is started. */
const OF_SESSION = ["SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

/**
 * Writes the script that the service runs: this very Node and code, with the environment that a helm gets. It is
 * written before each start, as the code may have moved since.
 */
export async function writeServiceScript(kind: ServiceKind): Promise<void> {
  const words = Object.entries(daemonEnvironment("helm"))
    .filter(([name]) => !OF_SESSION.includes(name))
    .map(([name, value]) => shellWord(`${name}=${value}`));
  const own = OF_SESSION.map((name) => `\${${name}:+"${name}=$${name}"}`);
  const start = `env -i ${[...words, ...own].join(" ")} ${shellWord(process.execPath)} ${shellWord(HELM_MAIN)}`;
  const log = shellWord(serviceLog());
  // Where nobody else does it, the script starts a helm again that has died; one that has ended has had its reasons.
  const ends = [0, HELM_EXIT.locked, HELM_EXIT.portBusy].join("|");
  const body =
    kind === "tmux"
      ? `while :; do\n  ${start} >>${log} 2>&1\n  case $? in ${ends}) exit ;; esac\n  sleep 2\ndone\n`
      : `exec ${start} >>${log} 2>&1\n`;
  await writeAtomically(
    serviceScript(),
    `#!/bin/sh\n# Written by ocaptain, and written anew at each start.\ncd /\n${body}`,
    0o700,
  );
}

/**
 * Has the installed service start the helm, which has ended. Returns when the service has been told.
 * @throws OcaptainError SERVICE
 */
export async function startByService(kind: ServiceKind): Promise<void> {
  await writeServiceScript(kind);
  forgetNotStarted();
  if (kind === "systemd") {
    // It may have failed often, and then is not started again before that is forgotten.
    await call(["systemctl", "--user", "reset-failed", serviceName()]).catch(() => {});
    await call(["systemctl", "--user", "start", serviceName()]);
  } else if (kind === "launchd") await call(["launchctl", "kickstart", launchdTarget()]);
  else {
    await endTmux();
    await call(tmux("new-session", "-d", "-s", "helm", `/bin/sh ${shellWord(serviceScript())}`));
  }
}

/** Ends what a service of the kind tmux has around a helm that has ended. Quiet when there is nothing. */
export const endTmux = () => call(tmux("kill-server")).catch(() => {});

/** Runs a command of the machine's manager of services. @throws OcaptainError SERVICE, with what it said */
export async function call(words: readonly string[]): Promise<string> {
  const [command = "", ...args] = words;
  const ran = await execa(command, args, { reject: false, stdin: "ignore", timeout: CALL_MS });
  if (!ran.failed) return ran.stdout;
  const why = ran.stderr?.trim() || (ran.shortMessage ?? "");
  throw new OcaptainError("SERVICE", `${words.join(" ")} failed: ${why.slice(0, 500)}`, { hint: "ocaptain helm status" });
}

/**
 * The file in which a helm that could not start leaves its exit status, for who had a service start it and has no
 * process of its own to look at.
 */
const notStartedFile = () => join(helmHome(), "not-started");
export const noteNotStarted = (status: number) => writeAtomically(notStartedFile(), `${status}\n`, 0o600);
export const forgetNotStarted = () => rmSync(notStartedFile(), { force: true });
export function notStarted(): number | undefined {
  try {
    return existsSync(notStartedFile()) ? Number(readFileSync(notStartedFile(), "utf8")) : undefined;
  } catch (error) {
    throw new OcaptainError("SERVICE", `${notStartedFile()} cannot be read: ${withCause(error)}`);
  }
}
