import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { freePort } from "../../lib/base/free-port.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { stopHarbor } from "../../lib/daemons/harbor.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { pulumi } from "../pulumi/run.ts";

export const STACK = "demo";
/**
 * The folder of the demonstration, with its backend, its voyages and its report: `.demo/`, or what OCAPTAIN_DEMO names.
 * It is made anew each time.
 */
export const DEMO = resolve(process.env.OCAPTAIN_DEMO || join(PROJECT, ".demo"));
export const CONFIG_FILE = join(DEMO, "Pulumi.demo.yaml");
/** The file for a shell that goes on with a demonstration that was kept (`--keep`). */
export const ENV_FILE = join(DEMO, "env.sh");
/** Says where the last demonstration's daemons lived, so that one that was killed is ended by the next. */
const HOME_NOTE = join(DEMO, "home");

/**
 * Makes a captain's machine for the demonstration, so that nothing of the user's is touched. Daemons live in a
 * temporary folder whose path is short enough for their sockets; what is worth keeping is in {@link DEMO}. Sets this
 * process's OCAPTAIN_* variables, and returns Pulumi's.
 * @throws OcaptainError DEMO_FOLDER when OCAPTAIN_DEMO names a folder with anything else in it: it would be emptied
 */
export async function openMachine(voyage: {
  plan: string;
  ships: string;
  repo: string;
  latency: string;
}): Promise<Record<string, string>> {
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
  await mkdir(DEMO);
  process.env.OCAPTAIN_HOME = await mkdtemp(join(tmpdir(), "ocaptain-demo-"));
  await writeFile(HOME_NOTE, process.env.OCAPTAIN_HOME);
  process.env.OCAPTAIN_VOYAGES = join(DEMO, "voyages");
  process.env.OCAPTAIN_HELM_PORT = String(await freePort());
  process.env.OCAPTAIN_HARBOR_LATENCY = voyage.latency;

  const config = { plan: resolve(voyage.plan), ships: voyage.ships, repo: voyage.repo };
  const lines = Object.entries(config).map(([key, value]) => `  ocaptain:${key}: ${JSON.stringify(value)}`);
  await writeFile(CONFIG_FILE, ["config:", ...lines, ""].join("\n"));
  const env = {
    PULUMI_BACKEND_URL: `file://${DEMO}`,
    PULUMI_CONFIG_PASSPHRASE: randomBytes(16).toString("hex"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  const ours = Object.entries(process.env).filter(([name]) => name.startsWith("OCAPTAIN_"));
  const exports = [...ours, ...Object.entries(env)].map(([name, value]) => `export ${name}='${value}'`);
  await writeFile(ENV_FILE, [...exports, ""].join("\n"), { mode: 0o600 });
  return env;
}

/**
 * Makes the stack. `stack init` knows no --config-file, and leaves a file with a salt among the project's stack files,
 * which is removed: ours is elsewhere.
 */
export async function makeStack(env: Record<string, string>): Promise<void> {
  await pulumi(["stack", "init", STACK], { folder: PROJECT, env });
  await rm(join(PROJECT, "stacks", `Pulumi.${STACK}.yaml`), { force: true });
}

/** Ends what is left of the daemons, and removes their folder. */
export async function closeMachine(): Promise<void> {
  await stopHelm().catch(() => {});
  await stopHarbor().catch(() => {});
  await rm(process.env.OCAPTAIN_HOME as string, { recursive: true, force: true });
}
