import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sourceOf } from "../../dynamic-providers/delegated-resource.ts";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import { OLD_NODE } from "../support/old-node.ts";
import { isRunning } from "../support/processes.ts";
import { startStandInTailscale } from "../support/stand-in-tailscale.ts";
import { until } from "../support/until.ts";
import { serialisedBySdk, startHost, UNKNOWN } from "./host-process.ts";

const ROOT = resolve(import.meta.dirname, "../..");
let folder: string;
let host: Awaited<ReturnType<typeof startHost>>;
const muster = sourceOf("muster");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ow-"));
  host = await startHost(
    { OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") },
    { "ocaptain:spritesToken": "s3cr3t-token" },
  );
});
afterAll(async () => {
  await host.close();
  await rm(folder, { recursive: true, force: true });
});

test("what state holds is a name and a few methods: small, without a secret, requiring nothing", () => {
  expect(Buffer.byteLength(muster)).toBeLessThan(1500);
  expect(muster).toContain("ocaptain/host");
  expect(muster).not.toMatch(/require\(|s3cr3t/);
});

test("create mints a voyage once: creating again, as after a lost answer, finds the same; so does a state of earlier versions, which has Pulumi's own text", async () => {
  const inputs = { stack: "wire", provider: "harbor", __provider: muster };
  const { failures } = await host.check(inputs);
  expect(failures).toEqual([]);
  const first = await host.create(inputs);
  expect(first.props).toMatchObject({
    stack: "wire",
    voyageId: expect.stringMatching(/^[0-9a-f]{6}$/),
    present: true,
    __provider: muster,
  });
  const again = await host.create(inputs);
  expect(again).toEqual({ ...first, props: { ...first.props, stateId: again.props.stateId } });
  const file = JSON.parse(await readFile(join(folder, "v/wire/voyage.json"), "utf8"));
  expect(file.voyageId).toBe(first.props.voyageId);
  const bySdk = await serialisedBySdk("muster");
  const earlier = await host.create({ ...inputs, __provider: bySdk });
  expect(earlier.props).toMatchObject({ voyageId: file.voyageId, __provider: bySdk });
});

test("read sees what is missing without putting it right, and diff makes an update of it", async () => {
  const { id, props } = await host.create({ stack: "adrift", provider: "harbor", __provider: muster });
  await rm(join(folder, "v/adrift/voyage.json"));
  const seen = await host.read(id, props);
  expect(seen.props).toMatchObject({ voyageId: props.voyageId, present: false });
  await expect(readFile(join(folder, "v/adrift/voyage.json"))).rejects.toThrow("ENOENT");
  const news = { stack: "adrift", provider: "harbor", __provider: muster };
  expect(await host.diff(id, seen.props, news)).toEqual({ changes: true, replaces: [] });
  expect(await host.diff(id, props, news)).toEqual({ changes: false, replaces: [] });
});

test("a preview's unknown values pass the check and count as a change", async () => {
  const sprite = sourceOf("sprite");
  const inputs = {
    stack: "wire",
    voyageId: UNKNOWN,
    ship: "ship-0",
    name: UNKNOWN,
    provider: "harbor",
    nonce: UNKNOWN,
    crewDigest: "d",
    __provider: sprite,
  };
  expect((await host.check(inputs)).failures).toEqual([]);
  const olds = { ...inputs, voyageId: "abc123", name: "n", nonce: "x", present: true };
  expect(await host.diff("n", olds, inputs)).toEqual({ changes: true, replaces: [] });
});

test("where the helm is says nothing of a change while a preview does not know it: an update of the helm draws none for each ship", async () => {
  const launch = sourceOf("tmux-launch");
  const olds = {
    ...{ stack: "wire", voyageId: "abc123", ship: "ship-0", sprite: "s", incarnation: "life-1", provider: "harbor" },
    ...{ crewDigest: "d", credentialsDigest: "", helmUrl: "http://127.0.0.1:1", sessions: [], present: true, __provider: launch },
  };
  expect(await host.diff("n", olds, { ...olds, helmUrl: UNKNOWN })).toEqual({ changes: false, replaces: [] });
  expect(await host.diff("n", olds, { ...olds, helmUrl: "http://127.0.0.1:2" })).toEqual({ changes: true, replaces: [] });
  expect(await host.diff("n", olds, { ...olds, helmUrl: UNKNOWN, incarnation: UNKNOWN })).toEqual({
    changes: true,
    replaces: [],
  });
});

test("all that is wrong with the inputs is found together", async () => {
  const { failures } = await host.check({ stack: 7, provider: "rowboat", __provider: muster });
  expect(failures.map((failure: { property: string }) => failure.property)).toEqual(["stack", "provider"]);
});

test("another machine's voyage is refused, with the command that hands it over", async () => {
  const { id, props } = await host.create({ stack: "theirs", provider: "harbor", __provider: muster });
  await expect(host.read(id, { ...props, captainId: "0123456789ab" })).rejects.toThrow(
    /captain 0123456789ab.*handover 0123456789ab/s,
  );
});

test("an error is said once, with its hint and without a stack", async () => {
  const { id, props } = await host.create({ stack: "theirs", provider: "harbor", __provider: muster });
  await host.remove(id, { ...props, captainId: "0123456789ab" }).catch(() => {});
  expect(host.stderr()).toContain("hint:");
  expect(host.stderr()).not.toMatch(/\n\s+at /);
});

test("a kind that this version does not know is named", async () => {
  await expect(host.create({ stack: "x", __provider: sourceOf("raft") })).rejects.toThrow(/no resource kind "raft"/);
});

test("what the configuration says of the tailnet reaches a lifecycle, and its secret stays out of what state holds", async () => {
  const api = await startStandInTailscale();
  const configured = await startHost(
    { OCAPTAIN_VOYAGES: join(folder, "t"), TAILSCALE_BASE_URL: api.url, OCAPTAIN_TAILSCALE_OAUTH_SECRET: "" },
    { "ocaptain:tailscaleOauthSecret": api.secret },
  );
  try {
    const tailnetKey = sourceOf("tailnet-key");
    const ship = { stack: "wire", voyageId: "abc123", ship: "ship-0", sprite: "wire-abc123-ship-0", incarnation: "life-1" };
    const { id, props } = await configured.create({ ...ship, control: "tailscale", __provider: tailnetKey });
    expect(props).toMatchObject({ key: expect.stringMatching(/^tskey-auth-/), keyId: api.state.keys[0]?.id, present: true });
    expect(JSON.stringify({ ...props, key: "" })).not.toMatch(/s3cr3t/);
    await configured.remove(id, props);
    expect(api.state.keys).toEqual([]);
  } finally {
    await configured.close();
    await api.close();
  }
});

test("what a provider has compiled is kept, though the engine ends it by a signal", async () => {
  const cache = join(folder, "compiled");
  const host = await startHost({ NODE_COMPILE_CACHE: cache });
  await host.check({ stack: "wire", provider: "harbor", __provider: muster });
  await host.close();
  const kept = await readdir(cache, { recursive: true, withFileTypes: true });
  expect(kept.filter((entry) => entry.isFile()).length).toBeGreaterThan(50);
});

test("a provider on an older Node says so for each call, in one line and without a trace: a destroy runs no program that could", async () => {
  const host = await startHost({ NODE_OPTIONS: OLD_NODE });
  try {
    const props = { __provider: sourceOf("muster"), stack: "quay", provider: "harbor" };
    const said = await Promise.all([1, 2].map(() => host.read("quay", props).then(String, (error: Error) => error.message)));
    for (const text of said)
      expect(text).toMatch(
        /this needs Node 24 or later[^\n]*\n {2}hint: [^\n]*ocaptain env[^\n]*npm run setup && \. \.tools\/env\.sh$/,
      );
    expect(host.stderr()).not.toMatch(/ERR_|^ +at /m);
  } finally {
    await host.close();
  }
});

/**
 * Starts Pulumi's provider process with a standard input whose writer is gone, as after the end of an engine, and gives
 * its number.
 */
async function startOrphan(env: Record<string, string> = {}): Promise<number> {
  const main = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/dynamic-provider/index.js");
  const script = 'true | "$0" "$1" 127.0.0.1:1 >/dev/null 2>&1 & echo $!';
  return Number((await execa("sh", ["-c", script, process.execPath, main], { cwd: ROOT, env })).stdout);
}

test("a provider that starts when its engine has been killed already ends by itself, without a call", async () => {
  const orphan = await startOrphan();
  await until("its end", () => !isRunning(orphan));
});

test("where none of our code was loaded before it, a provider whose engine was killed before its first call is ended by the next one", async () => {
  const orphan = await startOrphan({ NODE_OPTIONS: "" });
  const lives = () => existsSync(`/proc/${orphan}`);
  try {
    const next = await startHost({ OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") });
    expect(lives()).toBe(true);
    await next.check({ stack: "wire", provider: "harbor", __provider: muster });
    await expect.poll(lives).toBe(false);
    await next.close();
  } finally {
    if (lives()) process.kill(orphan, "SIGKILL");
  }
});

test("a provider whose engine was killed ends; what waited for another's change to end is not begun", async () => {
  const other = await startHost({ OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") });
  const file = join(folder, "v/late/helm/lock.sqlite");
  const lock = await acquireOsLock(file, { timeoutMs: 0 });
  const late = other.create({ stack: "late", provider: "harbor", __provider: muster }).catch((error: Error) => error.message);
  await expect.poll(() => other.stderr()).toContain("waiting for it to end");
  const ended = other.loseEngine();
  // The provider knows of the engine's end before it gets the lock: then it begins nothing, not even for a voyage whose
  // lock is free.
  const begun = () => other.create({ stack: "free", provider: "harbor", __provider: muster });
  await until("a refusal", () =>
    begun().then(
      () => false,
      () => true,
    ),
  );
  lock.release();
  await ended;
  expect(await late).toMatch(/not begun|UNAVAILABLE|CANCELLED/);
  expect(existsSync(join(folder, "v/late/voyage.json"))).toBe(false);
});
