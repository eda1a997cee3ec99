import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundle } from "../../lib/ship/bundle.ts";
import { crewDigest, packCrew } from "../../lib/ship/crew-pack.ts";
import { parseShipFacts, provisionArgv, provisionStdin } from "../../lib/ship/install.ts";
import { TestShip, tempFolder } from "../support/test-ship.ts";
import { FETCH_MS, hasNode22, node22 } from "./node22.ts";
import { StandInHelm } from "./stand-in-helm.ts";

let folder: string;
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the packed crew", () => {
  test("is plain JavaScript in one file a program: no types, no package, no other file", async () => {
    const files = await packCrew();
    const programs = files.filter((file) => file.path.endsWith(".js"));
    expect(programs.map((file) => file.path)).toContain("supervisor.js");
    for (const { path, content } of programs)
      for (const [, name] of content.matchAll(/\brequire\("([^"]+)"\)/g)) expect(name, path).toMatch(/^node:/);
    // One process reads them all, and runs none.
    const code = `import { readFileSync } from "node:fs";
      import { Script } from "node:vm";
      for (const { path, content } of JSON.parse(readFileSync(0))) new Script(content, { filename: path });`;
    const args = ["--input-type=module", "-e", code];
    expect(spawnSync(process.execPath, args, { input: JSON.stringify(programs), encoding: "utf8" }).stderr).toBe("");
  });

  test.each([
    'import all from "node:fs";',
    'import * as fs from "node:fs";',
    "export default 1;",
    "export let count = 0;",
    'export { a } from "./b.js";',
  ])("a line that its one file could not have is refused: %s", (line) => {
    expect(() => bundle("a.js", new Map([["a.js", `const a = 1;\n${line}\n`]]))).toThrow(
      `a.js: a ship's program cannot have the line: ${line}`,
    );
  });

  test("a module of it is run once, when it is first needed, and names may be the same in two", () => {
    const sources = new Map([
      [
        "main.js",
        'import { tell as say } from "./in/b.js";\nimport { count } from "./c.js";\nconst own = 1;\nawait 0;\nsay(own + count());\n',
      ],
      [
        "in/b.js",
        'import { count } from "../c.js";\nconst own = 10;\nexport const tell = (sum) => console.log(sum + own + count());\n',
      ],
      ["c.js", "let runs = 0;\nruns += 100;\nexport function count() {\n  return runs;\n}\n"],
    ]);
    const ran = spawnSync(process.execPath, ["-e", bundle("main.js", sources)], { encoding: "utf8" });
    expect(ran).toMatchObject({ stdout: "211\n", stderr: "" });
    expect(() => bundle("main.js", new Map([...sources].slice(0, 2)))).toThrow("c.js: there is no such module");
  });

  test("has the same digest each time, a module's lines as in its source, and prints no warning", async () => {
    const code =
      'import { crewDigest, packCrew } from "./lib/ship/crew-pack.ts"; await packCrew(); console.log(await crewDigest())';
    const ran = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: join(import.meta.dirname, "../.."),
      encoding: "utf8",
    });
    expect(ran.stderr).toBe("");
    expect(ran.stdout.trim()).toBe(await crewDigest());
    expect(await crewDigest("tailnet/")).not.toBe(await crewDigest());
    const files = await packCrew();
    const lines = readFileSync(join(import.meta.dirname, "../../crew/hands/rehearsal.ts"), "utf8").split("\n");
    const packed = files.find((file) => file.path === "supervisor.js")!.content.split("\n");
    const first = packed.indexOf('"hands/rehearsal.js"() {') + 1;
    expect(packed.indexOf("return { rehearsalHand };", first) - first).toBe(lines.length);
  });

  test.skipIf(!hasNode22)("sails on Node 22, the oldest that a ship may have", { timeout: FETCH_MS + 60_000 }, async () => {
    const old = await node22();
    expect(execFileSync(old, ["--version"], { encoding: "utf8" })).toMatch(/^v22\./);
    const helm = new StandInHelm(folder, [
      { id: "1", subject: "Any", rehearsal: "echo any > any.txt; mkdir -p sub/repo; git -C sub/repo init -q" },
      { id: "2", subject: "Any", rehearsal: "echo any > any.txt", check: "test -s any.txt" },
    ]);
    helm.verifyScript = "cat any.txt";
    await helm.start();
    const ship = new TestShip(folder);
    await ship.install(helm.url, helm.token);
    expect(await ship.ended(ship.start({}, old)), ship.output).toBe(0);
    expect(helm.rows.map((row) => row.status)).toEqual(["blocked", "accepted"]);
    expect(ship.output).toContain("left-1-1");
    expect(helm.verified).toMatchObject({ exitCode: 0, output: "any\n" });
    await helm.stop();
  });
});

describe("provisioning", () => {
  const provision = (stdin: string) => {
    const [program, ...args] = provisionArgv();
    return spawnSync(program!, args, { env: { PATH: process.env.PATH, HOME: folder }, input: stdin, encoding: "utf8" });
  };

  test("puts files with their modes and folders of 0700, whole, and tells the ship's facts", () => {
    const files = [
      { path: "voyage/crew/token", content: "secret", mode: 0o600 },
      { path: "voyage/crew/run.sh", content: "ünï\n", mode: 0o755 },
    ];
    const old = process.umask(0o077);
    const ran = provision(provisionStdin({ files, mkdirs: ["voyage/logs"] }));
    process.umask(old);
    expect(parseShipFacts("sea-1-ship-0", ran.stdout)).toMatchObject({ home: folder, node: process.version });
    expect(statSync(join(folder, "voyage/crew/token")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "voyage/crew/run.sh")).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(folder, "voyage/crew/run.sh"), "utf8")).toBe("ünï\n");
    for (const dir of ["voyage", "voyage/crew", "voyage/logs"]) expect(statSync(join(folder, dir)).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, "voyage/crew")).sort()).toEqual(["run.sh", "token"]);
  });

  test("done twice is done once; a changed mode is put right", () => {
    const order = (mode: number) => provisionStdin({ files: [{ path: "a", content: "x", mode }] });
    expect(provision(order(0o644)).status).toBe(0);
    expect(provision(order(0o600)).status).toBe(0);
    expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o600);
  });

  test.each(["../out", "/etc/out", "."])("refuses the path %s", (path) => {
    const ran = provision(provisionStdin({ files: [{ path, content: "x", mode: 0o600 }] }));
    expect(ran.status).not.toBe(0);
    expect(ran.stderr).toContain("not inside the home");
  });

  test("replaces a link instead of writing through it", () => {
    mkdirSync(join(folder, "d"));
    writeFileSync(join(folder, "victim"), "safe");
    symlinkSync("../victim", join(folder, "d/token"));
    expect(provision(provisionStdin({ files: [{ path: "d/token", content: "secret", mode: 0o600 }] })).status).toBe(0);
    expect(readFileSync(join(folder, "victim"), "utf8")).toBe("safe");
  });

  test("the ship's facts are found after other lines, and nonsense is an error", () => {
    const facts = { user: "u", home: "/h", node: "v24" };
    expect(parseShipFacts("ship", 'motd\n{"user":"u","home":"/h","node":"v24"}\n')).toEqual(facts);
    expect(() => parseShipFacts("ship", "bash: node: not found")).toThrow(/^ship reports something else than its facts/);
  });
});
