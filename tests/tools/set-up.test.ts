import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { environment, exportLines, shellEnvironment } from "../../tools/environment.mjs";
import { passphraseFile, readStamp, stampFiles, stateFolder } from "../../tools/places.mjs";
import { atLeast, runCommand } from "../../tools/setup/command.mjs";
import { boundCompileCache } from "../../tools/setup/compile-cache.mjs";
import { findGo, sayBuild } from "../../tools/setup/go.mjs";
import { lock } from "../../tools/setup/lock.mjs";
import { node } from "../../tools/setup/node.mjs";
import { download, publishedDigest, whyOutOfReach } from "../../tools/setup/release.mjs";
import { checkSignature } from "../../tools/setup/signature.mjs";
import signed from "../fixtures/tailscale-signed.json" with { type: "json" };
import { checkoutCopy } from "./checkout-copy.ts";

const root = join(import.meta.dirname, "..", "..");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-s-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the environment", () => {
  test("a newcomer gets the project's own backend and passphrase, and its tools before the system's", () => {
    const base = { PATH: "/usr/bin", HOME: folder, OCAPTAIN_TOOLS: process.env.OCAPTAIN_TOOLS };
    const set = environment(base);
    expect(set.PULUMI_BACKEND_URL).toBe(`file://${stateFolder(base)}`);
    expect(set.PULUMI_CONFIG_PASSPHRASE_FILE).toBe(passphraseFile(base));
    const find = (program: string) =>
      spawnSync("/bin/sh", ["-c", `command -v ${program}`], { env: { PATH: set.PATH }, encoding: "utf8" }).stdout.trim();
    for (const program of ["pulumi", "mutagen", "node"]) expect(find(program)).toBe(readStamp(program).path);
  });

  test("applying it twice is the same as once", () => {
    const once = { HOME: folder, ...environment({ PATH: "/usr/bin", HOME: folder }) };
    const shell = { HOME: folder, ...shellEnvironment({ PATH: "/usr/bin", HOME: folder }) };
    expect({ ...shell, ...shellEnvironment(shell) }).toEqual(shell);
    expect({ ...once, ...environment(once) }).toEqual(once);
  });

  test.each([{ PULUMI_BACKEND_URL: "s3://mine" }, { PULUMI_ACCESS_TOKEN: "mine" }])(
    "a backend of the user's own is left alone: %o",
    (theirs) => {
      expect(environment({ PATH: "/usr/bin", HOME: folder, ...theirs })).not.toHaveProperty("PULUMI_BACKEND_URL");
    },
  );

  test("a login is left alone; a file of a logged-out user is none", () => {
    mkdirSync(join(folder, ".pulumi"));
    const credentials = join(folder, ".pulumi/credentials.json");
    writeFileSync(credentials, `{"current": "https://api.pulumi.com"}`);
    expect(environment({ PATH: "", HOME: folder })).not.toHaveProperty("PULUMI_BACKEND_URL");
    writeFileSync(credentials, `{"current": ""}`);
    expect(environment({ PATH: "", HOME: folder })).toHaveProperty("PULUMI_BACKEND_URL");
  });

  test.each(["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])("the user's %s is left alone", (name) => {
    expect(environment({ PATH: "", HOME: folder, [name]: "mine" })).not.toHaveProperty("PULUMI_CONFIG_PASSPHRASE_FILE");
  });

  test("the project's own backend is left alone", () => {
    writeFileSync(join(folder, "Pulumi.yaml"), "name: mine\nbackend:\n  url: s3://mine\n");
    expect(environment({ PATH: "", HOME: folder }, folder)).not.toHaveProperty("PULUMI_BACKEND_URL");
  });

  test("env.sh gives a shell the tools; the passphrase is for its owner only", () => {
    const shell = spawnSync("sh", ["-c", ". .tools/env.sh && command -v ocaptain && pulumi version && node --version"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(shell).toMatchObject({ status: 0, stdout: expect.stringMatching(/ocaptain\nv3\..*\nv(2[4-9]|[3-9]\d)/) });
    expect(statSync(passphraseFile()).mode & 0o077).toBe(0);
  });

  test("a shell that has loaded it keeps the user's other Pulumi projects as they were; ocaptain's own get what they need", () => {
    const theirs = join(folder, "theirs");
    const mine = join(folder, "mine");
    for (const [project, text] of [
      [theirs, "name: theirs"],
      [mine, "name: mine\ndescription: voyages of ocaptain"],
    ] as const) {
      mkdirSync(join(project, "deep"), { recursive: true });
      writeFileSync(join(project, "Pulumi.yaml"), text);
    }
    // The user's own CLI, which tells how it was called.
    const own = join(folder, "own");
    mkdirSync(own);
    writeFileSync(join(own, "pulumi"), '#!/bin/sh\necho "own $* $PWD"; env | grep ^PULUMI_; exit 0\n', { mode: 0o755 });
    const home = { OCAPTAIN_HOME: join(folder, "h"), HOME: folder };
    const base = { PATH: `${own}:/usr/bin:/bin`, OCAPTAIN_TOOLS: process.env.OCAPTAIN_TOOLS, ...home };
    const env = { ...base, ...shellEnvironment(base) };
    expect(Object.keys(shellEnvironment(base)).filter((name) => name.startsWith("PULUMI"))).toEqual([]);
    const type = (words: string, cwd: string) => spawnSync("sh", ["-c", words], { cwd, env, encoding: "utf8" });
    expect(type("pulumi up -s x", join(theirs, "deep")).stdout).toBe(`own up -s x ${join(theirs, "deep")}\n`);
    expect(type("pulumi whoami", folder).stdout).toBe(`own whoami ${folder}\n`);
    expect(type(`pulumi -C ${theirs} preview`, mine).stdout).toBe(`own -C ${theirs} preview ${mine}\n`);

    // In one of ocaptain's own the chosen CLI runs, with a state and a passphrase that are made when they are missing.
    for (const [words, at] of [
      ["pulumi whoami -v", join(mine, "deep")],
      [`pulumi --cwd ${mine} whoami -v`, theirs],
    ] as const) {
      const said = type(words, at);
      expect(said, said.stderr).toMatchObject({ status: 0, stdout: expect.stringContaining(`file://${stateFolder(env)}`) });
    }
    expect(statSync(passphraseFile(env)).mode & 0o777).toBe(0o600);
  });

  test("its lines are those of the shell that reads them", () => {
    const odd = { PATH: "/a b:/c", OCAPTAIN_TOOLS: "/it's" };
    const read = spawnSync("sh", ["-c", `${exportLines(odd).join("\n")}\n/usr/bin/env`], { env: {}, encoding: "utf8" }).stdout;
    expect(read).toContain("PATH=/a b:/c\n");
    expect(read).toContain("OCAPTAIN_TOOLS=/it's\n");
    expect(exportLines(odd, "fish")).toEqual(["set -gx PATH '/a b' '/c'", "set -gx OCAPTAIN_TOOLS '/it\\'s'"]);
  });
});

describe("set-up", () => {
  const runScript = (text: string) => {
    writeFileSync(join(folder, "script.ts"), text);
    return [join(root, "tools/run.mjs"), join(folder, "script.ts")];
  };

  test("a part that is not known is named, with those that are; nothing is made", () => {
    const done = spawnSync(process.execPath, [join(root, "tools/setup.mjs"), "headscale", "rowboat"], { encoding: "utf8" });
    expect(done).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/no part is called rowboat; there are system, .*headscale/),
    });
  });

  test("with nothing to do runs no program, makes nothing, and says nothing to a script's output", () => {
    const args = runScript("console.log(JSON.stringify({ type: 'only' } satisfies object))");
    const stamps = ["system", "node", "packages", "pulumi", "mutagen", "shell"].flatMap((name) => stampFiles(name));
    const made = () => stamps.filter((file) => existsSync(file)).map((file) => [file, statSync(file).mtimeMs]);
    const before = made();
    // Without a PATH no program can be asked for its version, and nothing can be installed or built.
    const done = spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, PATH: folder } });
    expect(done).toMatchObject({ status: 0, stdout: `{"type":"only"}\n`, stderr: "" });
    expect(made()).toEqual(before);
  });

  test("what Node has kept compiled is removed when there is too much of it; a folder that is not there is none", () => {
    const cache = join(folder, "compile-cache");
    boundCompileCache(cache, 2);
    for (const name of ["v24/a", "v24/b", "v26/c"]) {
      mkdirSync(join(cache, dirname(name)), { recursive: true });
      writeFileSync(join(cache, name), "");
    }
    boundCompileCache(cache, 3);
    expect(readdirSync(cache).sort()).toEqual(["v24", "v26"]);
    boundCompileCache(cache, 2);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a script's exit code passes through", () => {
    expect(spawnSync(process.execPath, runScript("process.exit(7)")).status).toBe(7);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s reaches the script, which ends in its own way", async (signal) => {
    const script = `process.on("${signal}", () => process.exit(9)); setInterval(() => {}, 1000); console.log("listening");`;
    const child = spawn(process.execPath, runScript(script), { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([9, null]);
  });

  test("only one works in a folder at a time; the next goes on when it ends, also by SIGKILL", async () => {
    const url = JSON.stringify(new URL("../../tools/setup/lock.mjs", import.meta.url));
    const script = `await (await import(${url})).lock(${JSON.stringify(folder)}, () => {}); console.log("mine"); setInterval(() => {}, 1000)`;
    const other = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(other.stdout, "data");
    const order: string[] = [];
    const mine = lock(folder, (pid: number) => {
      order.push(`waiting for ${pid === other.pid ? "the other" : pid}`);
      other.kill("SIGKILL");
    });
    const release = await mine;
    expect(order).toEqual(["waiting for the other"]);
    const next = lock(folder, release).then((releaseNext) => releaseNext());
    await next;
  });
});

describe("what set-up finds on this machine", () => {
  const path = process.env.PATH;
  afterEach(() => {
    process.env.PATH = path;
  });
  const program = (at: string, script: string) => {
    mkdirSync(join(folder, at, ".."), { recursive: true });
    writeFileSync(join(folder, at), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return join(folder, at);
  };

  test("what a part cannot be had without is told before any part is made", () => {
    checkoutCopy(
      join(folder, "checkout"),
      `const part = { key: () => "1", intact: () => true, earlier: [] };
export const parts = [
  { ...part, name: "first", title: "First", make: () => ({ version: "1", from: "here" }) },
  { ...part, name: "second", title: "Second", foresee: async () => { throw new Error("there is no Go to build it") } },
];
export const onDemand = [];
`,
    );
    const env = { ...process.env, OCAPTAIN_TOOLS: join(folder, "shared") };
    const done = spawnSync(process.execPath, [join(folder, "checkout/tools/setup.mjs")], { encoding: "utf8", env });
    expect(done).toMatchObject({ status: 1, stderr: "set-up: there is no Go to build it\n" });
  });

  test("a Go that is not on PATH is found where Go's own instructions put it; without one the way out is told", async () => {
    process.env.PATH = folder;
    const go = program("usr/local/go/bin/go", "echo go version go1.26.0");
    expect(findGo([go])).toBe(go);
    expect(findGo([])).toBeUndefined();
    process.env.PATH = dirname(program("bin/go", "true"));
    expect(findGo([go])).toBe(join(folder, "bin/go"));
  });

  test("what is built is told before it begins: why, and how long it takes", () => {
    const lines: string[] = [];
    sayBuild((line: string) => lines.push(line), { title: "Pulumi 3", why: "its release cannot be had", minutes: "5 to 20" });
    expect(lines).toEqual([
      expect.stringMatching(/^Pulumi 3 is built by \S+, as its release cannot be had\. That takes some 5 to 20 minutes, once\.$/),
    ]);
  });

  test("the first Node 24 on PATH is taken, also behind an older one, by set-up and by the commands", async () => {
    const old = program("old/node", "echo v20.20.2");
    const young = program("young ones/node", "echo v24.21.0");
    process.env.PATH = [dirname(old), dirname(young), "/usr/bin", "/bin"].join(":");
    expect(await node.make({} as never)).toMatchObject({ version: "24.21.0", from: `system (${young})`, path: young });
    const script = `root=/nowhere; . '${join(root, "bin/find-node.sh")}'; find_node 24`;
    const env = { PATH: process.env.PATH, OCAPTAIN_TOOLS: "/nowhere" };
    expect(spawnSync("/bin/sh", ["-c", script], { encoding: "utf8", env })).toMatchObject({ status: 0, stdout: `${young}\n` });
  });
});

describe("what set-up runs and downloads", () => {
  let server: Server;
  afterEach(() => server?.close().closeAllConnections());
  const serve = async (listener: RequestListener) => {
    server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
  };
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

  test("a download with the expected digest is kept", async () => {
    const url = await serve((_request, response) => response.setHeader("content-length", 7).end("release"));
    const told: string[] = [];
    await download(url, join(folder, "file"), { sha256: sha256("release"), tell: (text: string) => told.push(text) });
    expect(told).toEqual(["downloaded 0 of 0 MB"]);
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("release");
  });

  test("one with another digest, or none at all, is refused", async () => {
    const url = await serve((request, response) => response.writeHead(request.url === "/file" ? 200 : 404).end("tampered"));
    await expect(download(url, join(folder, "file"), { sha256: sha256("release") })).rejects.toThrow("not used");
    expect(await Promise.all([url, `${url}x`].map(whyOutOfReach))).toEqual(["", `${url}x answers 404`]);
    await expect(download(`${url}x`, join(folder, "none"), { sha256: "" })).rejects.toThrow("404");
    expect(existsSync(join(folder, "none"))).toBe(false);
  });

  test("a published digest is found by the file's whole name", async () => {
    const url = await serve((_request, response) => response.end(`${sha256("1")}  x-a.tar.gz\n${sha256("2")}  a.tar.gz\n`));
    expect(await publishedDigest(url, "a.tar.gz")).toBe(sha256("2"));
    await expect(publishedDigest(url, "b.tar.gz")).rejects.toThrow("has no SHA-256 of b.tar.gz");
  });

  test("a page that holds a digest alone gives it; one that holds something else does not", async () => {
    const alone = await serve((_request, response) => response.end(`${sha256("1")}\n`));
    expect(await publishedDigest(alone)).toBe(sha256("1"));
    const page = await serve((_request, response) => response.end("<html>"));
    await expect(publishedDigest(page)).rejects.toThrow("has no SHA-256");
  });

  describe("what Tailscale's own signer has signed (tests/fixtures/tailscale-signed.json)", () => {
    /**
     * Checks a file against a server that has what the vendor's has, with the entries of `more` in the place of its
     * own.
     */
    const check = async (
      more: { [path: string]: string | Buffer },
      file = signed.file,
      roots = signed.otherRoot + signed.root,
    ) => {
      const [keysSig, fileSig] = [Buffer.from(signed.keysSig, "base64"), Buffer.from(signed.fileSig, "base64")];
      const has = { "/distsign.pub": signed.keys, "/distsign.pub.sig": keysSig, "/stable/x.tgz.sig": fileSig, ...more };
      const url = await serve(({ url = "" }, response) => {
        const content = has[url as keyof typeof has];
        response.writeHead(content ? 200 : 404).end(content);
      });
      writeFileSync(join(folder, "x.tgz"), file);
      return checkSignature(new URL(url).origin, "stable/x.tgz", join(folder, "x.tgz"), roots);
    };

    test("is taken", () => check({}));
    test("by a key that no known root has signed: refused", async () => {
      await expect(check({}, signed.file, signed.otherRoot)).rejects.toThrow("distsign.pub is signed by no root key");
    });
    test("with other signing keys put in the place of the vendor's: refused", async () => {
      await expect(check({ "/distsign.pub": signed.keys.replace("mcFX", "mcFY") })).rejects.toThrow("signed by no root key");
    });
    test.each(["tampered", `${signed.file} `, ""])("another file, %o: refused", async (file) => {
      await expect(check({}, file)).rejects.toThrow("x.tgz is signed by no signing key that Tailscale has today: not used");
    });
    test("a signature that is none, or is not there: refused", async () => {
      await expect(check({ "/stable/x.tgz.sig": "<html>" })).rejects.toThrow("signed by no signing key");
      await expect(check({ "/stable/x.tgz.sig": "" })).rejects.toThrow("x.tgz.sig answers 404");
    });
  });

  test("a command that fails is told with what it said first and last; one that hangs is ended", async () => {
    const failing = runCommand("sh", ["-c", "echo reason; seq 100; echo end >&2; exit 3"]);
    await expect(failing).rejects.toThrow(/exit code 3[\s\S]*reason[\s\S]*end/);
    await expect(runCommand("sleep", ["61"], { timeoutMs: 100 })).rejects.toThrow("took longer than 0.1 s");
  });

  test.each([
    ["2.39.5", "2.38", true],
    ["2.9", "2.38", false],
    ["v24.0.0", "24", true],
    ["3.100.0", "3.259.0", false],
    ["", "3", false],
  ])("version %s is at least %s: %s", (actual, wanted, expected) => {
    expect(atLeast(actual, wanted)).toBe(expected);
  });
});
