import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { environment } from "../../tools/environment.mjs";

/**
 * The checkout. The tests run a tiny program by the real CLI; with the vendor's language host on PATH, they test that.
 */
const root = join(import.meta.dirname, "..", "..");
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-lh-"));
  mkdirSync(join(folder, "state"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  cpSync(join(root, "package-lock.json"), join(folder, "package-lock.json"));
  writeFileSync(join(folder, "package.json"), `{"type": "module"}`);
  writeFileSync(
    join(folder, "Pulumi.yaml"),
    "{name: tiny, main: index.ts, runtime: {name: nodejs, options: {typescript: false}}}",
  );
  writeFileSync(
    join(folder, "index.ts"),
    `import { Config, dynamic } from "@pulumi/pulumi";
     const config = new Config();
     console.log("printed by the program");
     if (config.get("end") === "throw") throw new Error("broken on purpose");
     if (config.get("end") === "exit") process.exit(3);
     if (config.get("end") === "never") await new Promise((resolve) => setTimeout(resolve, 600_000));
     const provider: dynamic.ResourceProvider = { create: async (inputs: any) => ({ id: "1", outs: inputs }) };
     class Thing extends dynamic.Resource {}
     new Thing(provider, "thing", { size: config.requireNumber("size") });
     export const word: string = config.require("word");
     export const secret = config.requireSecret("secret");`,
  );
  env = {
    ...process.env,
    PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
    PULUMI_HOME: join(folder, "home"),
    PULUMI_CONFIG_PASSPHRASE: "x",
  };
  env = { ...env, ...environment(env) };
  for (const args of [
    ["stack", "init", "s"],
    ["config", "set", "word", "two words"],
    ["config", "set", "size", "3"],
  ])
    pulumi(...args);
  expect(pulumi("config", "set", "--secret", "secret", "s3cret").code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pulumi = (...args: string[]) => pulumiIn(env, ...args);
function pulumiIn(env: NodeJS.ProcessEnv, ...args: string[]): { code: number | null; out: string } {
  const run = spawnSync("pulumi", [...args, "--non-interactive"], { cwd: folder, env, encoding: "utf8", timeout: 50_000 });
  return { code: run.status, out: run.stdout + run.stderr };
}

/** Whether the host that the engine finds is this project's. */
function isOurs(): boolean {
  const at = spawnSync("sh", ["-c", 'readlink -f "$(command -v pulumi-language-nodejs)"'], { env, encoding: "utf8" }).stdout;
  return at.includes("language-host");
}

test("preview, up, up again and destroy run the program; config and secrets arrive; what it prints is shown", () => {
  const preview = pulumi("preview");
  expect(preview.out).toContain("printed by the program");
  expect(preview.out).toMatch(/2 to create/);
  expect(pulumi("up", "--yes", "--skip-preview")).toMatchObject({ code: 0, out: expect.stringMatching(/2 created/) });
  expect(pulumi("stack", "output", "word").out.trim()).toBe("two words");
  expect(pulumi("stack", "output", "secret").out.trim()).toBe("[secret]");
  const again = pulumi("up", "--yes", "--expect-no-changes");
  expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/2 unchanged/) });
  expect(pulumi("destroy", "--yes").out).toMatch(/2 deleted/);
});

test("behind a proxy the program reaches its engine: by what env.sh sets, and by our own host without it", () => {
  const behind = { ...env, http_proxy: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9", no_proxy: "", NO_PROXY: "" };
  expect(pulumiIn({ ...behind, ...environment(behind) }, "preview").code).toBe(0);
  if (isOurs()) expect(pulumiIn(behind, "preview").code).toBe(0);
});

test("an error that the program throws is shown once, with its place, and fails the command", () => {
  pulumi("config", "set", "end", "throw");
  const { code, out } = pulumi("preview");
  const diagnostics = out.slice(out.indexOf("Diagnostics:"));
  expect(code).not.toBe(0);
  expect(diagnostics.match(/broken on purpose/g)).toHaveLength(1);
  expect(diagnostics).toContain("index.ts:4");
  expect(diagnostics).not.toContain("non-zero exit code");
});

test("a program that ends with an exit code of its own fails the command, which names it", () => {
  pulumi("config", "set", "end", "exit");
  const { code, out } = pulumi("preview");
  expect(code).not.toBe(0);
  expect(out).toContain("Program exited with non-zero exit code: 3");
});

test("pulumi about names the Node that runs programs, and the packages", () => {
  const { out } = pulumi("about");
  expect(out).toContain(`version='${process.version}'`);
  expect(out).toMatch(/^zod +\d/m);
});

test.each(["SIGKILL", "SIGINT"] as const)("host and program end with an engine that is ended by %s", async (signal) => {
  pulumi("config", "set", "end", "never");
  const engine = spawn("pulumi", ["preview", "--non-interactive"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  await printed(engine, "printed by the program");
  const started = descendants(engine.pid!);
  expect(started.map(({ command }) => command).join("\n")).toMatch(/(language-host|pulumi-language-nodejs)[\s\S]*cmd\/run/);
  engine.kill(signal);
  await expect.poll(() => started.filter(({ pid }) => parents().has(pid))).toEqual([]);
});

/** Resolves when a child has printed `text`. */
function printed(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let out = "";
    child.stdout!.on("data", (chunk) => {
      out += chunk;
      if (out.includes(text)) resolve();
    });
    child.once("exit", () => reject(new Error(`ended before it printed "${text}": ${out}`)));
  });
}

/** The parent's process id by process id, of all processes that run. */
function parents(): Map<number, number> {
  const entries = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return new Map(
    entries.flatMap((name) => {
      const [state, parent] = (read(`/proc/${name}/stat`).split(") ").at(-1) ?? "").split(" ");
      return state && state !== "Z" ? [[Number(name), Number(parent)] as [number, number]] : [];
    }),
  );
}

function descendants(pid: number): { pid: number; command: string }[] {
  const children = [...parents()].filter(([, parent]) => parent === pid).map(([child]) => child);
  return children.flatMap((child) => [
    { pid: child, command: read(`/proc/${child}/cmdline`).replaceAll("\0", " ") },
    ...descendants(child),
  ]);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // The process has ended meanwhile.
  }
}
