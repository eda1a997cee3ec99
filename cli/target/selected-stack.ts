import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { readYamlFile } from "../../lib/base/yaml-file.ts";
import { shell } from "../shell.ts";

/** A project's file, as `pulumi` looks for it. */
const PROJECT_FILES = ["Pulumi.yaml", "Pulumi.yml"];

/**
 * The name of the stack that `pulumi` would take in this folder, as `pulumi stack select` and PULUMI_STACK say it;
 * undefined where none is selected, or that cannot be told. It is read from Pulumi's own files, since its program would
 * take longer than all else that a look does.
 */
export function selectedStack(folder = shell.PWD || process.cwd()): string | undefined {
  if (shell.PULUMI_STACK) return basename(shell.PULUMI_STACK);
  try {
    const project = projectFileOf(folder);
    if (!project) return undefined;
    const { name } = readYamlFile(project);
    const of = createHash("sha1").update(project).digest("hex");
    const selected = readJson(join(pulumiHome(), "workspaces", `${name}-${of}-workspace.json`));
    const stack = selected.stacks ? ofBackend(selected.stacks as Record<string, unknown>) : selected.stack;
    return typeof stack === "string" && stack !== "" ? basename(stack) : undefined;
  } catch {
    return undefined;
  }
}

function projectFileOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = PROJECT_FILES.map((name) => join(at, name)).find((file) => existsSync(file));
    if (found) return found;
    if (dirname(at) === at) return undefined;
  }
}

/** Of the stacks that were selected, each with a backend of its own, the one of the backend that is in use. */
function ofBackend(stacks: Record<string, unknown>): unknown {
  const used =
    shell.PULUMI_BACKEND_URL ?? readJson(join(shell.PULUMI_CREDENTIALS_PATH || pulumiHome(), "credentials.json")).current;
  const all = Object.entries(stacks);
  return (all.find(([backend]) => same(backend, String(used))) ?? (all.length === 1 ? all[0] : undefined))?.[1];
}

const same = (a: string, b: string) => a.replace(/\/+$/, "") === b.replace(/\/+$/, "");
const pulumiHome = () => shell.PULUMI_HOME || join(homedir(), ".pulumi");

function readJson(file: string): Record<string, unknown> {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>) : {};
}
