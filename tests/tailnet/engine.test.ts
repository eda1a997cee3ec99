import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tailnetControl } from "../../lib/tailnet/control/control.ts";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";
import { BUILD_MS } from "./go-parts.ts";
import { type Headscale, startHeadscale } from "./headscale.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** A program with the class alone, without a fleet around it. */
const PROGRAM = `
import { TailnetKey } from "./dynamic-providers/tailnet-key/resource.ts";
const ship = { stack: "quay", voyageId: "abc123", ship: "ship-0", sprite: "quay-abc123-ship-0", incarnation: "life-1" };
export const { key, keyId } = new TailnetKey("ship-0-key", { ...ship, control: "headscale" });
`;

let folder: string;
let headscale: Headscale;
beforeAll(async () => {
  headscale = await startHeadscale();
  folder = await mkdtemp(join(tmpdir(), "oe-"));
  for (const room of ["dynamic-providers", "lib", "node_modules"]) await symlink(join(ROOT, room), join(folder, room));
  await symlink(join(ROOT, "package.json"), join(folder, "package.json"));
  await writeFile(join(folder, "index.ts"), PROGRAM);
  const options = { typescript: false };
  const project = { name: "ocaptain", runtime: { name: "nodejs", options }, main: "index.ts", options: { refresh: "always" } };
  await writeFile(join(folder, "Pulumi.yaml"), JSON.stringify(project));
  await pulumi("stack", "init", "quay");
  await pulumi("config", "set", "ocaptain:headscaleUrl", headscale.url);
  await pulumi("config", "set", "--secret", "ocaptain:headscaleApiKey", headscale.apiKey);
}, BUILD_MS);
afterAll(async () => {
  await headscale?.close();
  await rm(folder, { recursive: true, force: true });
});

const pulumi = async (...args: string[]) => {
  const env = {
    ...pulumiEnvironment(folder),
    OCAPTAIN_VOYAGES: join(folder, "v"),
    OCAPTAIN_HOME: join(folder, "h"),
  };
  const run = ["--non-interactive", "--color", "never", "--cwd", folder];
  return String((await execa("pulumi", [...args, ...run], { env, all: true, timeout: 60_000 })).all);
};

test("by the real engine: the key is a secret in state and in outputs, a second up changes nothing, destroy leaves no key", async () => {
  const up = await pulumi("up", "--yes", "--skip-preview");
  const { key, keyId } = JSON.parse(await pulumi("stack", "output", "--json", "--show-secrets"));
  expect(key).toMatch(/^hskey-auth-/);
  const told = [up, await pulumi("stack", "output"), await pulumi("stack", "export"), await everyFile(folder)].join("\n");
  expect(told).toContain(`"keyId":"${keyId}"`.replace(":", ": "));
  for (const secret of [key, headscale.apiKey]) expect(told).not.toContain(secret);

  await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
  const tailnet = tailnetControl(headscale.config);
  expect((await tailnet.listKeys("abc123")).map((one) => one.id)).toEqual([keyId]);

  await tailnet.deleteKey(keyId, "abc123");
  await pulumi("up", "--yes", "--skip-preview");
  const healed = JSON.parse(await pulumi("stack", "output", "--json", "--show-secrets"));
  expect(healed.keyId).not.toBe(keyId);
  expect(await everyFile(folder)).not.toContain(healed.key);

  await pulumi("destroy", "--yes", "--skip-preview");
  expect(await tailnet.listKeys("abc123")).toEqual([]);
});

/** Gives all that was written below a folder, with state, its backups and history; it does not follow links. */
async function everyFile(root: string): Promise<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, "utf8")))).join("\n");
}
