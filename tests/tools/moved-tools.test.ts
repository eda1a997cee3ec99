import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkoutCopy } from "./checkout-copy.ts";

/**
 * What set-up does with a checkout that has tools and state in its `.tools/`, where they once were: a copy of the
 * checkout whose only parts of set-up are Mutagen and the state.
 */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-m-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const AGENTS = "mutagen-agents.tar.gz";
const home = (...path: string[]) => join(folder, "h", ...path);

/** Makes a checkout with a Mutagen, a state of one stack and a passphrase in its `.tools/`. */
function checkout(name: string, passphrase: string): string {
  const at = join(folder, name);
  checkoutCopy(
    at,
    `import { mutagen } from "./mutagen.mjs";
import { state } from "./state.mjs";
export const parts = [mutagen, state];
export const onDemand = [];
`,
  );
  writeFileSync(join(at, "package-lock.json"), "{}");
  const tools = join(at, ".tools");
  for (const made of ["bin", "stamps", "state/.pulumi/stacks"]) mkdirSync(join(tools, made), { recursive: true });
  writeFileSync(join(tools, "state/.pulumi/stacks/sea.json"), `state of ${name}`);
  writeFileSync(join(tools, "passphrase"), passphrase, { mode: 0o600 });
  const program = join(tools, "bin/mutagen");
  writeFileSync(program, "#!/bin/sh\necho 0.18.1\n", { mode: 0o755 });
  writeFileSync(join(tools, "bin", AGENTS), "agents");
  const { size, mtimeMs } = statSync(program);
  const stamp = {
    key: `0.18.1 ${process.platform} ${process.arch} amd64,arm64`,
    version: "0.18.1",
    from: "Go module, built in 39 s",
    path: program,
    agents: join(tools, "bin", AGENTS),
    identity: `${program}:${size}:${Math.trunc(mtimeMs)}`,
  };
  writeFileSync(join(tools, "stamps/mutagen.json"), JSON.stringify(stamp));
  return at;
}

/** Without Go, and without the vendor's server: a Mutagen that is not taken over cannot be made. */
function node(...args: string[]) {
  const env = {
    PATH: "/nowhere",
    HOME: folder,
    OCAPTAIN_HOME: home(),
    http_proxy: "http://127.0.0.1:9",
    NODE_USE_ENV_PROXY: "1",
  };
  return spawnSync(process.execPath, args, { env, encoding: "utf8", timeout: 60_000 });
}
const setUp = (at: string) => node(join(at, "tools/setup.mjs"));
const places = (at: string) => {
  const code = `import(${JSON.stringify(join(at, "tools/environment.mjs"))}).then(({ environment }) => console.log(JSON.stringify(environment())))`;
  const { PULUMI_BACKEND_URL: state, PULUMI_CONFIG_PASSPHRASE_FILE: file } = JSON.parse(node("-e", code).stdout);
  return {
    state: readFileSync(join(state.replace("file://", ""), ".pulumi/stacks/sea.json"), "utf8"),
    words: readFileSync(file, "utf8"),
  };
};

test("a command leaves them where they are and works with them; set-up moves them to the captain's home, and says so", () => {
  const first = checkout("first", "one");
  const quiet = node(
    "-e",
    `import(${JSON.stringify(join(first, "tools/setup.mjs"))}).then(({ setup }) => setup({ quiet: true }))`,
  );
  expect(quiet).toMatchObject({ status: 0, stdout: "", stderr: "" });
  expect(existsSync(home())).toBe(false);
  expect(places(first)).toEqual({ state: "state of first", words: "one" });

  const done = setUp(first);
  expect(done, done.stderr).toMatchObject({ status: 0, stdout: "" });
  expect(done.stderr).toContain(`  moved from .tools/ to ${home("pulumi")}: Pulumi's state and passphrase\n`);
  expect(done.stderr).toMatch(/ {2}moved from \.tools\/ to \S+\/h\/tools\/mutagen-0\.18\.1-\S+: Mutagen 0\.18\.1\n/);
  expect(places(first)).toEqual({ state: "state of first", words: "one" });
  expect(statSync(home("pulumi/passphrase")).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(first, ".tools"), { recursive: true }).sort()).toEqual(["bin", "stamps"]);
  const [mutagen = ""] = readdirSync(home("tools"));
  expect(readdirSync(home("tools", mutagen)).sort()).toEqual(["mutagen", AGENTS, "stamp.json"]);
  expect(setUp(first).stderr).not.toContain("moved");
});

test("a second checkout takes the tools that are there; its own state and passphrase stay its own, and that is said", () => {
  setUp(checkout("first", "one"));
  const second = checkout("second", "two");
  const done = setUp(second);
  expect(done.stderr).toContain(`stay in .tools/, for ${home("pulumi")} has others; this checkout goes on with its own`);
  expect(places(second)).toEqual({ state: "state of second", words: "two" });
  expect(readFileSync(home("pulumi/passphrase"), "utf8")).toBe("one");
  expect(readdirSync(home("tools"))).toHaveLength(1);
});

test("state is not moved under an update, and a move that was interrupted is whole until the next set-up ends it", () => {
  const first = checkout("first", "one");
  const lock = join(first, ".tools/state/.pulumi/locks/organization/ocaptain/sea/1.json");
  mkdirSync(join(lock, ".."), { recursive: true });
  writeFileSync(lock, "{}");
  expect(setUp(first).stderr).toMatch(
    /state stays in \.tools\/ until the next set-up: an update of a stack is at work, or was killed/,
  );
  expect(places(first)).toEqual({ state: "state of first", words: "one" });
  rmSync(lock);

  // This is what a set-up leaves that was killed between its steps.
  mkdirSync(join(first, ".tools/moving"));
  cpSync(join(first, ".tools/passphrase"), join(first, ".tools/moving/passphrase"));
  renameSync(join(first, ".tools/state"), join(first, ".tools/moving/state"));
  expect(places(first)).toEqual({ state: "state of first", words: "one" });
  expect(setUp(first).stderr).toContain("moved from .tools/");
  expect(places(first)).toEqual({ state: "state of first", words: "one" });
  expect(existsSync(join(first, ".tools/moving"))).toBe(false);
});
