import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Rate } from "../../helm/telemetry/rate.ts";
import { freePort } from "../../lib/base/free-port.ts";
import { captainTelemetry, helmHome } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage, ship } from "../support/helm-voyage.ts";
import { ocaptain } from "../support/ocaptain.ts";
import { until } from "../support/until.ts";
import { found, logs, namesIn } from "./intake.ts";

const ID = "abc123";
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
beforeEach(async () => {
  captain = await makeCaptain();
  helm = await ensureHelm();
});
afterEach(async () => {
  await stopHelm();
  // The telemetry process ends after the helm, and writes until then.
  await until("the folder to go", () => !existsSync(captain.root) || captain.remove(), 20_000);
});

/** Sends a body by HTTP as it is; resolves to the status, and the seconds to wait. */
async function post(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const type = { "content-type": "application/json" };
  const response = await fetch(url, {
    method: "POST",
    body: new Uint8Array(Buffer.from(body)),
    headers: { ...type, ...headers },
  });
  await response.arrayBuffer();
  return { status: response.status, again: response.headers.get("retry-after") };
}

/** Waits until all that has come is in files, and returns what is told of it. */
async function written() {
  return until(
    "all rows to be in files",
    async () => {
      const { intake } = await helm.telemetry();
      return intake?.folders.length && intake.folders.every(({ waiting }) => waiting === 0) ? intake.folders : null;
    },
    30_000,
  );
}

const pid = async () => (await helm.telemetry()).intake!.pid;

async function sail() {
  const { folder, register } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [], "2": ["1"] }));
  await helm.registerVoyage(ID, register);
  const { token } = await helm.registerShip(ID, "ship-0", "vm-a");
  const bearer = { authorization: `Bearer ${token}` };
  return {
    folder,
    token,
    bearer,
    s: ship(captain.url, token, "vm-a"),
    send: (body: string | Buffer, more = {}) => post(`${captain.url}/otlp/v1/logs`, body, { ...bearer, ...more }),
  };
}

test("of a ship: who sent it is by its token and the ledger, whatever the body or a header says; a stranger's token is refused", async () => {
  const { folder, s, send, token } = await sail();
  await s.hello();
  expect((await send(logs("idle"))).status).toBe(200);
  const grant = await s.grant();
  const spoof = { attributes: ["voyage", "ship", "task"].map((key) => ({ key, value: { stringValue: "other" } })) };
  expect((await send(gzipSync(logs("spoof", 1, spoof)), { "content-encoding": "gzip" })).status).toBe(200);
  expect((await send(logs("said"), { "x-ocaptain-claim": `${grant.epoch} 1` })).status).toBe(200);
  // No claim of this ship's: another epoch, a task that it never had.
  expect((await send(logs("lied"), { "x-ocaptain-claim": `${grant.epoch + 1} 2` })).status).toBe(200);
  await s.release(grant, false);
  expect((await send(logs("after"))).status).toBe(200);
  for (const authorization of ["", "Bearer x", `Bearer ${ID}.x`, `Bearer other.${token}`])
    expect((await post(`${captain.url}/otlp/v1/logs`, logs("stranger"), { authorization })).status).toBe(401);
  expect((await post(`${captain.url}/v1/logs`, logs("nobody"))).status).toBe(401);
  await written();
  const rows = await found(
    `SELECT name, voyage, ship, task, epoch FROM read_parquet('${folder.telemetry}/logs/**/*.parquet') ORDER BY name`,
  );
  const of = (name: string, task: string | null) => ({
    name: `${name}-0`,
    voyage: ID,
    ship: "ship-0",
    task,
    epoch: task && grant.epoch,
  });
  expect(rows).toEqual([of("after", null), of("idle", null), of("lied", "1"), of("said", "1"), of("spoof", "1")]);
});

test("a crew of the hand claude is told to collect telemetry, with contents only where they were asked for, and not at all where it is off", async () => {
  const { register } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [] }), { hand: "claude" });
  await helm.registerVoyage(ID, register);
  const { token } = await helm.registerShip(ID, "ship-0", "vm-a");
  const told = async () => (await ship(captain.url, token, "vm-a").hello()).telemetry;
  expect(await told()).toEqual({ contents: false });
  await helm.registerVoyage(ID, { ...register, telemetry: "contents" });
  expect(await told()).toEqual({ contents: true });
  await helm.registerVoyage(ID, { ...register, telemetry: "off" });
  expect(await told()).toBeUndefined();
});

test("the process is killed: senders are told to wait and nothing that was answered is lost; then the helm itself is", async () => {
  const { folder, send } = await sail();
  const answered: string[] = [];
  const say = async (name: string) => {
    const { status, again } = await send(logs(name));
    if (status === 200) answered.push(`${name}-0`);
    else expect([status, Number(again) > 0]).toEqual([503, true]);
    return status;
  };
  expect(await say("a")).toBe(200);
  const first = await pid();
  process.kill(first, "SIGKILL");
  let tries = 0;
  await until("it to be taken again", async () => (await say(`b${tries++}`)) === 200, 20_000);
  expect(await pid()).not.toBe(first);
  await say("c");
  process.kill((await helm.health()).pid, "SIGKILL");
  helm = await ensureHelm();
  await until("it to be taken by the next helm", async () => (await say("d")) === 200, 40_000);
  await written();
  expect((await namesIn(folder.telemetry)).sort()).toEqual([...answered].sort());
}, 90_000);

test("while the process hangs, claims are granted as ever; more than may be under way is told to wait, and counted", async () => {
  const { s, send } = await sail();
  await s.hello();
  expect((await send(logs("a"))).status).toBe(200);
  const hung = await pid();
  process.kill(hung, "SIGSTOP");
  const under = Array.from({ length: 12 }, (_, index) => send(logs(`h${index}`)));
  const refused = await Promise.race(under);
  expect(refused).toMatchObject({ status: 503, again: "1" });
  const grant = await s.grant();
  expect((await s.heartbeat({ task: grant.task.id, epoch: grant.epoch })).status).toBe(200);
  process.kill(hung, "SIGCONT");
  const statuses = (await Promise.all(under)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(8);
  expect((await helm.telemetry()).refused).toEqual([expect.objectContaining({ dropped: { behind: 4 } })]);
});

test("a body that is too big, or is cut off, is none, and the next one is taken", async () => {
  const { s, send, bearer } = await sail();
  await s.hello();
  expect((await send(Buffer.alloc(9e6))).status).toBe(413);
  const cut = request(`${captain.url}/otlp/v1/logs`, {
    method: "POST",
    headers: { ...bearer, "content-type": "application/json", "content-length": "1000" },
  });
  cut.on("error", () => {});
  cut.write("{");
  await until("the rest to be waited for", () => cut.socket?.readyState === "open", 5_000);
  cut.destroy();
  expect((await send(logs("whole"))).status).toBe(200);
});

test("`ocaptain telemetry`: start takes what programs send to a port of loopback, without a voyage; status tells of it; stop ends it, and the helm", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const started = await ocaptain("telemetry", "start", "--port", String(port));
  expect(started).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining(`export OTEL_EXPORTER_OTLP_ENDPOINT='${url}'\n`),
  });
  expect(started.stdout).not.toContain("HEADERS");
  const fixture = readFileSync(join(import.meta.dirname, "requests/traces.pb.gz"));
  const sdk = { "content-type": "application/x-protobuf", "content-encoding": "gzip" };
  expect((await post(`${url}/v1/traces`, fixture, sdk)).status).toBe(200);
  expect((await post(`${url}/v1/logs`, logs("program"), { host: "localhost" })).status).toBe(200);
  expect((await post(`${url}/otlp/v1/logs`, "{}")).status).toBe(404);
  // A page in a browser, or a name that leads here.
  expect((await post(`${url}/v1/logs`, logs("page"), { origin: "https://a.test" })).status).toBe(403);
  expect(await asHost("a.test", port)).toBe(403);
  await written();
  expect(await namesIn(captainTelemetry(), "spans")).toEqual(["child", "parent"]);
  const { stdout } = await ocaptain("telemetry", "status");
  expect(stdout).toMatch(/^OF +LAST +LOGS +METRICS +SPANS +FILES +ON DISK\nother programs +\d+s? ?.*ago +1 +0 +2 +\d/);

  const again = JSON.parse((await ocaptain("telemetry-start", "--port", String(port), "--token", "--json")).stdout);
  const [, token] = /^authorization=Bearer%20(.+)$/.exec(again.variables.OTEL_EXPORTER_OTLP_HEADERS)!;
  expect((await post(`${url}/v1/logs`, logs("without"))).status).toBe(401);
  expect((await post(`${url}/v1/logs`, logs("with"), { authorization: `Bearer ${token}` })).status).toBe(200);
  expect(readFileSync(join(helmHome(), "telemetry", "programs.json"), "utf8")).not.toContain(token);

  // A helm that begins anew goes on with it; its last voyage is not its end.
  await stopHelm();
  helm = await ensureHelm();
  expect((await post(`${url}/v1/logs`, logs("later"), { authorization: `Bearer ${token}` })).status).toBe(200);
  await helm.deregisterVoyage(ID);
  expect((await helm.telemetry()).programs).toEqual({ port, needsToken: true });
  expect(await ocaptain("telemetry-stop")).toMatchObject({ exitCode: 0 });
  await until(
    "the helm to end",
    () =>
      helm.health().then(
        () => false,
        () => true,
      ),
    20_000,
  );
  await until("all to be in files", async () => (await namesIn(captainTelemetry())).length === 3, 20_000);
  expect((await ocaptain("telemetry", "status", "--json")).stdout).toContain('"helm": false');
}, 120_000);

/** Sends to loopback under another name, as a browser does for whose page that name leads here. */
function asHost(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host, "content-type": "application/json" };
    const sent = request({ host: "127.0.0.1", port, method: "POST", path: "/v1/logs", headers }, (response) =>
      resolve(response.statusCode!),
    );
    sent.on("error", reject).end("{}");
  });
}

test("a sender that sends too fast waits until it may again, by requests and by bytes, and others do not wait for it", () => {
  let now = 0;
  const rate = new Rate(() => now);
  const most = (who: string) => {
    for (let sent = 0; ; sent++) if (rate.wait(who) > 0) return sent;
  };
  expect([most("a"), most("a")]).toEqual([1_000, 0]);
  expect(most("b")).toBe(1_000);
  now += 10_000;
  expect(most("a")).toBe(1_000);
  rate.sent("c", 64 * 1024 * 1024 + 8 * 1024 * 1024);
  expect(rate.wait("c")).toBe(3);
  now += 3_000;
  expect(rate.wait("c")).toBe(0);
});
