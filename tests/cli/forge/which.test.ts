import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAddress } from "../../../cli/forge/address.ts";
import { openForge } from "../../../cli/forge/open.ts";
import { findKey } from "../../../cli/forge/token.ts";
import { whichForge } from "../../../cli/forge/which.ts";

let home: string;
let heard: { path: string; headers: IncomingHttpHeaders }[];
let version: { status: number; body: string };
let base: string;
const server = createServer(({ url = "", headers }, response) => {
  heard.push({ path: url, headers });
  response.writeHead(version.status, { "content-type": "application/json" }).end(version.body);
});

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "oc-forge-"));
  heard = [];
  version = { status: 200, body: '{"version":"1.26.0"}' };
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(home, { recursive: true, force: true });
});

/** A person's environment without any token. */
const bare = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, HOME: home, ...more });
const which = async (origin: string, more: { forge?: string; env?: NodeJS.ProcessEnv } = {}) =>
  (await whichForge({ origin, env: bare(more.env), ...(more.forge && { forge: more.forge }) }))?.place ?? null;
/** The header that the API would get; "" for none. */
async function keyFor(origin: string, env: NodeJS.ProcessEnv, forge?: string) {
  const { place, isNamed } = (await whichForge({ origin, env: bare(env), forge }))!;
  return (await findKey({ place, isNamed, env: bare(env) }))?.authorization ?? "";
}

test("an address is read in each of git's forms, with ports and a path before the owner", () => {
  const read = (origin: string) => {
    const found = readAddress(origin);
    return found && `${found.by} ${found.web} ${found.owner}/${found.repo}`;
  };
  expect(read("https://github.com/crew/boat.git")).toBe("https https://github.com crew/boat");
  expect(read("https://me@Git.Example.com:3000/crew/boat/")).toBe("https https://git.example.com:3000 crew/boat");
  expect(read("https://example.com/git/crew/boat")).toBe("https https://example.com/git crew/boat");
  expect(read("git@github.com:crew/boat.git")).toBe("ssh https://github.com crew/boat");
  expect(read("github.com:crew/boat")).toBe("ssh https://github.com crew/boat");
  expect(read("ssh://git@git.example.com:2222/crew/boat.git")).toBe("ssh https://git.example.com crew/boat");
  expect(read("ssh://git@ssh.github.com:443/crew/boat.git")).toBe("ssh https://github.com crew/boat");
  expect(read("http://127.0.0.1:3000/crew/boat")).toBe("http http://127.0.0.1:3000 crew/boat");
  for (const none of [
    "/srv/boat.git",
    "./boat",
    "../crew/boat",
    "file:///srv/crew/boat",
    "git://example.com/crew/boat",
    "boat",
    "https://example.com/boat",
    "https://example.com/crew/%2e%2e",
    "git@example.com:boat",
  ])
    expect([none, readAddress(none)]).toEqual([none, null]);
});

test("the forge is told by its name, by GH_HOST, and by the setting", async () => {
  expect(await which("git@github.com:crew/boat.git")).toEqual({
    ...{ kind: "github", api: "https://api.github.com", owner: "crew", repo: "boat", web: "https://github.com/crew/boat" },
  });
  expect(await which("https://sea.ghe.com/crew/boat")).toMatchObject({ kind: "github", api: "https://api.sea.ghe.com" });
  const enterprise = { env: { GH_HOST: "git.corp.example" } };
  expect(await which("git@git.corp.example:crew/boat.git", enterprise)).toMatchObject({
    kind: "github",
    api: "https://git.corp.example/api/v3",
  });
  expect(await which("https://codeberg.org/crew/boat")).toMatchObject({ kind: "forgejo", api: "https://codeberg.org/api/v1" });
  expect(await which("https://github.com/crew/boat", { forge: "git" })).toBeNull();
  expect(await which("git@internal:crew/boat", { forge: "gitea=https://git.example.com:3000/below/" })).toMatchObject({
    ...{ kind: "gitea", api: "https://git.example.com:3000/below/api/v1", web: "https://git.example.com:3000/below/crew/boat" },
  });
  expect(await which("/srv/boat.git")).toBeNull();
  expect(heard).toEqual([]);
  await expect(which("git@internal:crew/boat", { forge: "bitbucket" })).rejects.toThrow(
    /ocaptain:forge is "bitbucket": it must be github, gitea, forgejo, git, or one/,
  );
  await expect(which("git@internal:crew/boat", { forge: "gitea=https://me:secret@x" })).rejects.toMatchObject({ code: "USAGE" });
});

test("an unknown server is asked what it is, without a token", async () => {
  const origin = `${base}/crew/boat.git`;
  const env = { GITEA_TOKEN: "t0ken", GH_TOKEN: "t0ken", FORGEJO_TOKEN: "t0ken" };
  expect(await which(origin, { env })).toMatchObject({ kind: "gitea", api: `${base}/api/v1`, web: `${base}/crew/boat` });
  version.body = '{"version":"11.0.1+gitea-1.22.0"}';
  expect(await which(origin, { env })).toMatchObject({ kind: "forgejo" });
  version = { status: 403, body: '{"message":"Only signed in user is allowed to call APIs."}' };
  expect(await which(origin, { env })).toMatchObject({ kind: "gitea" });
  version = { status: 404, body: "<html>" };
  expect(await which(origin, { env })).toBeNull();
  version = { status: 200, body: "<html>" };
  expect(await which(origin, { env })).toBeNull();
  expect(heard.map(({ path, headers }) => [path, headers.authorization])).toEqual(Array(5).fill(["/api/v1/version", undefined]));
});

test("a server that does not answer is told of, and none is needed beside ssh", async () => {
  await expect(which("http://127.0.0.1:9/crew/boat")).rejects.toMatchObject({ code: "FORGE_AWAY" });
  expect(await which("ssh://git@127.0.0.1:2222/crew/boat")).toBeNull();
});

test("no token goes where it would be seen on the way", async () => {
  await expect(which("http://git.example.com/crew/boat", { forge: "gitea" })).rejects.toThrow(/is not https:\/\//);
  await expect(which("git@github.com:crew/boat", { env: { GITHUB_API_URL: "http://api.example.com" } })).rejects.toThrow(
    /is not https/,
  );
});

test("a token goes only to the server that it is for", async () => {
  const all = { GH_TOKEN: "hub", GITEA_TOKEN: "tea", FORGEJO_TOKEN: "jo" };
  expect(await keyFor("https://github.com/crew/boat", all)).toBe("Bearer hub");
  expect(await keyFor("https://github.com/crew/boat", { GITHUB_TOKEN: "other" })).toBe("Bearer other");
  expect(await keyFor("https://github.com/crew/boat", { ...all, GH_HOST: "git.corp.example" })).toBe("");
  expect(await keyFor("https://git.corp.example/crew/boat", { ...all, GH_HOST: "git.corp.example" })).toBe("Bearer hub");
  expect(await keyFor("https://git.corp.example/crew/boat", all, "github")).toBe("");
  expect(await keyFor(`${base}/crew/boat`, all)).toBe("");
  expect(await keyFor(`${base}/crew/boat`, { ...all, GITEA_SERVER_URL: "https://elsewhere.example" })).toBe("");
  expect(await keyFor(`${base}/crew/boat`, { ...all, GITEA_SERVER_URL: base })).toBe("token tea");
  expect(await keyFor(`${base}/crew/boat`, all, `forgejo=${base}`)).toBe("token jo");
});

test("without one, git is asked for what it would send there, and no one else", async () => {
  const helper = join(home, "helper.sh");
  writeFileSync(helper, `#!/bin/sh\n[ "$1" = get ] && { cat > '${home}/asked'; echo username=cap; echo password=pass; }\n`, {
    mode: 0o755,
  });
  execFileSync("git", ["config", "--file", join(home, ".gitconfig"), `credential.${base}.helper`, helper]);
  expect(await keyFor(`${base}/crew/boat.git`, {})).toBe(`Basic ${Buffer.from("cap:pass").toString("base64")}`);
  expect(await keyFor("https://codeberg.org/crew/boat.git", {})).toBe("");
});

test("who has no token is told where to get one, or why the one that is set was not used", async () => {
  version = { status: 200, body: '{"version":"1.26.0"}' };
  const forge = await openForge({ origin: `${base}/crew/boat`, env: bare({ GITEA_TOKEN: "t0ken" }) });
  version = { status: 401, body: '{"message":"token is required"}' };
  const hint = `GITEA_TOKEN is set, and nothing says for which server: set GITEA_SERVER_URL=${base}`;
  await expect(forge!.defaultBranch()).rejects.toMatchObject({ code: "FORGE_AUTH", hint });
  version = { status: 200, body: '{"version":"1.26.0"}' };
  const other = await openForge({ origin: `${base}/crew/boat`, env: bare() });
  version = { status: 401, body: '{"message":"token is required"}' };
  await expect(other!.defaultBranch()).rejects.toMatchObject({ hint: expect.stringContaining("/user/settings/applications") });
  expect(heard.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
});
