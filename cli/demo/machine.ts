import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve, sep } from "node:path";
import { execa } from "execa";
import { OcaptainError } from "../../lib/base/errors.ts";
import { freePort } from "../../lib/base/free-port.ts";
import { ocaptainHome } from "../../lib/base/paths.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { isCheckout } from "../../lib/base/set-up-command.ts";
import { stopHarbor } from "../../lib/daemons/harbor.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { projectSettingsFile } from "../../lib/voyage/settings-file.ts";
import { pulumi } from "../pulumi/run.ts";
import { ownProject } from "../sail/own-project.ts";

export const STACK = "demo";
/**
 * The folder of the demonstration, with its backend, its voyages and its report: `.demo/` of a checkout, else `demo` in
 * the captain's home, or what OCAPTAIN_DEMO names. It is made anew each time.
 */
export const DEMO = resolve(process.env.OCAPTAIN_DEMO || (isCheckout ? join(PROJECT, ".demo") : join(ocaptainHome(), "demo")));
export const CONFIG_FILE = join(DEMO, "Pulumi.demo.yaml");
/** The file for a shell that goes on with a demonstration that was kept (`--keep`). */
export const ENV_FILE = join(DEMO, "env.sh");
/** Says where the last demonstration's daemons lived, so that one that was killed is ended by the next. */
const HOME_NOTE = join(DEMO, "home");

/**
 * Makes a captain's machine for the demonstration, so that nothing of the user's is touched. Daemons live in a
 * temporary folder whose path is short enough for their sockets; what is worth keeping is in {@link DEMO}. Sets this
 * process's OCAPTAIN_* variables, and returns Pulumi's, with the folder of the Pulumi project that is sailed.
 * @throws OcaptainError DEMO_FOLDER when OCAPTAIN_DEMO names a folder with anything else in it: it would be emptied
 */
export async function openMachine(voyage: {
  plan: string;
  ships: string;
  repo: string | undefined;
  latency: string;
}): Promise<{ folder: string; env: Record<string, string> }> {
  const earlier = (await readFile(HOME_NOTE, "utf8").catch(() => "")).trim();
  if (earlier) {
    process.env.OCAPTAIN_HOME = earlier;
    await closeMachine();
  }
  if (!earlier && (await readdir(DEMO).catch(() => [])).length > 0)
    throw new OcaptainError(
      "DEMO_FOLDER",
      `${DEMO} is not empty, and what is in it is no earlier demonstration; it would be emptied`,
      {
        hint: "export OCAPTAIN_DEMO=/another/folder",
      },
    );
  await rm(DEMO, { recursive: true, force: true });
  await mkdir(DEMO, { recursive: true });
  const env = await openHome(DEMO, voyage.latency);
  await writeFile(HOME_NOTE, process.env.OCAPTAIN_HOME as string);

  const repo = voyage.repo ?? (await repositoryToSurvey());
  await writeSettings(CONFIG_FILE, { plan: resolve(voyage.plan), ships: voyage.ships, repo });
  const ours = Object.entries(process.env).filter(([name]) => name.startsWith("OCAPTAIN_"));
  const exports = [...ours, ...Object.entries(env)].map(([name, value]) => `export ${name}='${value}'`);
  await writeFile(ENV_FILE, [...exports, ""].join("\n"), { mode: 0o600 });
  return { folder: isCheckout ? PROJECT : await ownProject(DEMO), env };
}

/**
 * Gives this process a captain's home of its own, with a port for a helm, and lets voyages lie in `folder`, which is
 * also the backend of Pulumi. Returns Pulumi's variables.
 */
export async function openHome(folder: string, latency: string): Promise<Record<string, string>> {
  process.env.OCAPTAIN_HOME = await mkdtemp(join(tmpdir(), "ocaptain-demo-"));
  process.env.OCAPTAIN_VOYAGES = join(folder, "voyages");
  process.env.OCAPTAIN_HELM_PORT = String(await freePort());
  process.env.OCAPTAIN_HARBOR_LATENCY = latency;
  return {
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: randomBytes(16).toString("hex"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}

/** Writes a stack's settings. */
export async function writeSettings(file: string, settings: Record<string, string>): Promise<void> {
  const lines = Object.entries(settings).map(([key, value]) => `  ocaptain:${key}: ${JSON.stringify(value)}`);
  await writeFile(file, ["config:", ...lines, ""].join("\n"));
}

/**
 * The repository to survey where none was named: the one around the working folder, else the checkout that this is,
 * else one that is made of the package's own files, so that the demonstration needs nothing.
 */
async function repositoryToSurvey(): Promise<string> {
  const around = await execa("git", ["rev-parse", "--show-toplevel"], { reject: false });
  if (around.exitCode === 0) return around.stdout;
  if (isCheckout) return PROJECT;
  const folder = join(DEMO, "ocaptain");
  const isOurs = (file: string) => !relative(PROJECT, file).split(sep).includes("node_modules");
  await cp(PROJECT, folder, { recursive: true, filter: isOurs });
  const git = (...args: string[]) => execa("git", ["-C", folder, "-c", "user.name=ocaptain", "-c", "user.email=", ...args]);
  await git("init", "--quiet", "--initial-branch", "main");
  await git("add", "--all");
  await git("commit", "--quiet", "--no-verify", "--message", "The files of the package");
  return folder;
}

/**
 * Makes the stack. `stack init` knows no --config-file, and leaves a file with a salt among the project's stack files,
 * which is removed: ours is elsewhere.
 */
export async function makeStack(folder: string, env: Record<string, string>): Promise<void> {
  await pulumi(["stack", "init", STACK], { folder, env });
  await rm(projectSettingsFile(folder, STACK), { force: true });
}

/** Ends what is left of the daemons, and removes their folder. */
export async function closeMachine(): Promise<void> {
  await stopHelm().catch(() => {});
  await stopHarbor().catch(() => {});
  await rm(process.env.OCAPTAIN_HOME as string, { recursive: true, force: true });
}
