import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import {
  call,
  endTmux,
  launchdDomain,
  launchdLabel,
  launchdTarget,
  noteService,
  type ServiceKind,
  serviceName,
  serviceScript,
  writeServiceScript,
} from "../../lib/daemons/helm-service.ts";
import { launchdAgent, systemdUnit } from "./units.ts";

/** The file by which the machine's manager knows the service; undefined where there is no manager. */
export function unitFile(kind: ServiceKind): string | undefined {
  if (kind === "systemd")
    return join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "systemd", "user", `${serviceName()}.service`);
  return kind === "launchd" ? join(homedir(), "Library", "LaunchAgents", `${launchdLabel()}.plist`) : undefined;
}

/** Finds the best kind of service that this machine has now. @throws OcaptainError NO_SERVICE */
export async function kindHere(): Promise<ServiceKind> {
  if (process.platform === "darwin") return "launchd";
  if (await works("systemctl", "--user", "show-environment")) return "systemd";
  if (await works("tmux", "-V")) return "tmux";
  throw new OcaptainError("NO_SERVICE", "this machine has neither a user manager of systemd nor tmux, which could keep a helm", {
    hint: "ocaptain setup system  # brings tmux",
  });
}

const works = (...words: string[]) =>
  call(words).then(
    () => true,
    () => false,
  );

/** Installs the service, so that it is started at the next log-in or boot too; the helm itself is not started yet. */
export async function install(kind: ServiceKind): Promise<void> {
  await writeServiceScript(kind);
  const file = unitFile(kind);
  if (file) await writeAtomically(file, kind === "systemd" ? systemdUnit() : launchdAgent(), 0o600);
  if (kind === "systemd") {
    await call(["systemctl", "--user", "daemon-reload"]);
    await call(["systemctl", "--user", "enable", serviceName()]);
  }
  await noteService(kind);
}

/** Has launchd read the agent, which starts it. Other managers start what is installed when they are asked. */
export async function load(kind: ServiceKind): Promise<void> {
  if (kind === "launchd") await call(["launchctl", "bootstrap", launchdDomain(), String(unitFile(kind))]);
}

/** Takes the service away; a helm that it has started must have ended. */
export async function uninstall(kind: ServiceKind): Promise<void> {
  if (kind === "systemd") await call(["systemctl", "--user", "disable", serviceName()]);
  else if (kind === "launchd") await call(["launchctl", "bootout", launchdTarget()]);
  else await endTmux();
  const file = unitFile(kind);
  if (file) await rm(file, { force: true });
  await rm(serviceScript(), { force: true });
  await noteService(null);
  if (kind === "systemd") await call(["systemctl", "--user", "daemon-reload"]);
}

/** What a service of this kind does not outlive, and the command that changes it; null where it outlives a reboot. */
export function limitOf(kind: ServiceKind): { message: string; hint: string } | null {
  if (kind === "tmux")
    return {
      message: "it outlives a log-out, and not a reboot: then the next up starts it",
      hint: "ocaptain helm install  # again, where systemd has a user manager",
    };
  if (kind === "launchd")
    return { message: "it runs while you are logged in at this machine, and is started at each log-in", hint: "" };
  const { username } = userInfo();
  if (existsSync(join("/var/lib/systemd/linger", username))) return null;
  return {
    message: "it ends when your last session does, and begins with your next: your user does not linger",
    hint: `loginctl enable-linger ${username}  # then it also outlives a log-out, and starts at boot`,
  };
}
