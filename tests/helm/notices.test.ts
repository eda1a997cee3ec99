import { createHmac } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Notices } from "../../helm/notices/notices.ts";
import { GRACE_MS } from "../../helm/notices/occurrences.ts";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import type { Notice } from "../../lib/notices/events.ts";
import { keepTargets } from "../../lib/notices/kept-targets.ts";
import type { NoticeTarget } from "../../lib/notices/targets.ts";
import type { LandingLook } from "../../lib/watch/landed.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { landingFile } from "../support/landing.ts";
import { until } from "../support/until.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage, scratchFolder } from "./paper.ts";

/** These tests are of a voyage's notices from what happens to what a receiver on this machine gets. */

const TIMING = { leaseSeconds: 120, heartbeatSeconds: 10, fenceSeconds: 90, lingerSeconds: 8 };
type Got = { headers: IncomingHttpHeaders; body: string };

let scratch: ReturnType<typeof scratchFolder>;
let clock: HandClock;
let voyage: Voyage;
let notices: Notices;
let logged: string[];
const closes: (() => void)[] = [];
beforeEach(async () => {
  landing = { landing: undefined, canLand: false };
  scratch = scratchFolder();
  clock = handClock();
  logged = [];
  await openVoyage();
});
afterEach(() => {
  notices?.close();
  voyage.ledger.close();
  for (const close of closes.splice(0)) close();
  scratch.remove();
});

async function openVoyage() {
  voyage = await openPaperVoyage({
    file: join(scratch.folder, "l.sqlite"),
    graph: { "1": [], "2": [] },
    metadata: { "1": { tries: 1 } },
    timing: TIMING,
    clock,
    log: (event) => logged.push(event),
  });
}

/** A receiver on this machine; it answers 204, unless `answer` does. */
async function receiver(
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void = (_, response) =>
    response.writeHead(204).end(),
) {
  const got: Got[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    got.push({ headers: request.headers, body });
    answer(request, response, got.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closes.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook/s3cr3t`,
    got,
    notices: () => got.map(({ body }) => JSON.parse(body) as Notice),
    told: () => got.map(({ body }) => JSON.parse(body) as Notice).map(({ event, state }) => `${event} ${state}`),
  };
}

/** What has become of the voyage's landing. */
let landing: LandingLook = { landing: undefined, canLand: false };

/** Sets the targets, as a registration does, and opens the notices of the voyage. */
async function notify(targets: NoticeTarget[], more: { waitsMs?: readonly number[]; tryMs?: number } = {}) {
  notices?.close();
  notices = new Notices({
    context: voyage.context,
    workspace: join(scratch.folder, "workspace"),
    landing: async () => landing,
    targets: await keepTargets(join(scratch.folder, "notify.json"), targets),
    waitsMs: [1, 1],
    ...more,
  });
  await notices.look();
}

/** Waits until nothing waits any more for any target. */
const settled = () => until("empty queues", () => notices.newest().targets.every(({ waiting }) => waiting === 0), 10_000);
async function look() {
  await notices.look();
  await settled();
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A ship takes a task and fails in it, so that it is blocked. */
async function blockTask(name = "ship-0") {
  const ship = await boardPaperShip(voyage, name);
  await ship.hello();
  const { task, epoch } = await ship.grant();
  const reason = 'no "luck"\u001b[2J';
  await voyage.calls.answer("release", ship.caller, {
    requestId: `r-${name}`,
    incarnation: `vm-${name}`,
    task: task.id,
    epoch,
    reason,
    failed: true,
  });
  return ship;
}

test("a task that is blocked is told with what helps, and again when it is tried anew; agents' words are harmless and stay data", async () => {
  const there = await receiver();
  await notify([{ url: there.url }]);
  await blockTask();
  await look();
  await voyage.retry("1");
  await look();
  const [opened, resolved] = there.notices();
  expect(opened).toMatchObject({
    id: "abc123-1-opened",
    occurrence: "abc123-1",
    state: "opened",
    event: "task-blocked",
    voyage: "abc123",
    stack: "v",
    of: "1",
    title: "v: task 1 is blocked",
    message: 'task 1 (Task 1) is blocked after 1 try: no "luck"',
    hint: expect.stringMatching(/^ocaptain logs v --task 1 {2}#/),
  });
  expect(resolved).toMatchObject({ id: "abc123-1-resolved", state: "resolved", title: "over: v: task 1 is blocked", hint: "" });
  expect(there.got[0]!.headers).toMatchObject({ "content-type": "application/json", "ocaptain-notice": "abc123-1-opened" });
});

test("a check that failed is told by what the forge has last said, until something is pushed", async () => {
  const there = await receiver();
  await notify([{ url: there.url }]);
  landing = { landing: landingFile({ checks: { "build\u001b[2J": "failure", lint: "success" } }), canLand: true };
  await look();
  landing = { ...landing, landing: landingFile({ checks: { build: "failure" }, pushedAgain: true }) };
  await look();
  expect(there.told()).toEqual(["ci-failed opened", "ci-failed resolved"]);
  expect(there.notices()[0]).toMatchObject({
    ...{ of: "7", title: "v: checks of pull request 7 failed", message: "1 check of pull request 7 failed: build" },
    hint: expect.stringMatching(/^ocaptain land status v /),
  });
});

test("a question comes with the agent's words in full; its answer ends it", async () => {
  const there = await receiver();
  await notify([{ url: there.url, events: ["task-asked"] }]);
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  const { task, epoch } = await ship.grant();
  await voyage.calls.answer("ask", ship.caller, {
    requestId: "q",
    incarnation: "vm-ship-0",
    task: task.id,
    epoch,
    question: "Red?\nOr green?",
  });
  await look();
  await voyage.answer("1", "Green");
  await look();
  expect(there.told()).toEqual(["task-asked opened", "task-asked resolved"]);
  expect(there.notices()[0]).toMatchObject({ detail: "Red?\nOr green?", message: "task 1 (Task 1) asks, from ship-0" });
});

test("a lost ship is told only when it stays lost; a helm that starts anew does not take its own not knowing for a return", async () => {
  const there = await receiver();
  const target = { url: there.url, events: ["ship-lost" as const] };
  await notify([target]);
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  await ship.grant();
  clock.pass(TIMING.fenceSeconds + 1);
  await look();
  expect(there.told()).toEqual([]);
  clock.pass(GRACE_MS / 1000);
  await look();
  expect(there.told()).toEqual(["ship-lost opened"]);
  voyage.ledger.close();
  await openVoyage();
  await notify([target]);
  await look();
  expect(voyage.status().ships[0]!.state).toBe("working");
  expect(there.told()).toEqual(["ship-lost opened"]);
  clock.pass(1);
  const again = await boardPaperShip(voyage, "ship-0");
  await again.heartbeat();
  await look();
  expect(there.told()).toEqual(["ship-lost opened", "ship-lost resolved"]);
});

test("no progress is told until something comes of the work; a new helm that was not told of either holds its tongue", async () => {
  const there = await receiver();
  const target = { url: there.url };
  await notify([target]);
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  const { task, epoch } = await ship.grant();
  const beat = (quietSeconds?: number) =>
    voyage.calls.answer("heartbeat", ship.caller, {
      requestId: `h${clock.now()}`,
      incarnation: "vm-ship-0",
      claim: { task: task.id, epoch },
      ...(quietSeconds !== undefined && { quietSeconds }),
    });
  clock.pass(1300);
  await beat(1290);
  await look();
  expect(there.told()).toEqual(["no-progress opened"]);
  voyage.ledger.close();
  await openVoyage();
  await notify([target]);
  clock.pass(1);
  await beat();
  await look();
  expect(there.told()).toEqual(["no-progress opened"]);
  clock.pass(1);
  await beat(0);
  await look();
  expect(there.told()).toEqual(["no-progress opened", "no-progress resolved"]);
});

test("a usage limit is told as it begins and as it is over; verify.sh's result at the end", async () => {
  const there = await receiver();
  await notify([{ url: there.url }]);
  await voyage.register({ stack: "v", plan: makePlan({ "1": [] }, { verify: "true" }), hand: "claude", timing: TIMING });
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  await voyage.calls.answer("trial", ship.caller, { requestId: "t", incarnation: "vm-ship-0", fit: true, message: "" });
  const until = new Date(clock.wallMs() + 3600_000).toISOString();
  await voyage.calls.answer("limited", ship.caller, { requestId: "l", incarnation: "vm-ship-0", until, message: "resets 5pm" });
  await look();
  clock.pass(3601);
  await look();
  const { task, epoch } = await ship.grant();
  await ship.accept(task.id, epoch);
  for (const exitCode of [3, 0]) {
    const reply = await ship.claim();
    if (reply.kind !== "verify") throw new Error(reply.kind);
    const result = { commit: voyage.context.tip, exitCode, output: "one\ntwo", seconds: 1 };
    await voyage.calls.answer("verified", ship.caller, {
      requestId: `v${exitCode}`,
      incarnation: "vm-ship-0",
      epoch: reply.epoch,
      ...result,
    });
    await look();
    if (exitCode) await voyage.retryVerification();
    await look();
  }
  expect(there.told()).toEqual([
    "usage-limit opened",
    "usage-limit resolved",
    "verification-failed opened",
    "verification-failed resolved",
    "verified opened",
  ]);
  landing = { landing: undefined, canLand: true };
  await look();
  const pushed = [{ ...landingFile().pushed[0]!, commit: voyage.context.tip }];
  landing = { landing: { ...landingFile(), pushed }, canLand: true };
  await look();
  expect(there.told().slice(5)).toEqual(["ready-to-land opened", "ready-to-land resolved"]);
});

test("a budget is told at 80 %, and when it is spent; a higher one ends that", async () => {
  const there = await receiver();
  await notify([{ url: there.url }]);
  const plan = makePlan({ "1": [], "2": [] });
  await voyage.register({ stack: "v", plan, hand: "claude", timing: TIMING, budgetUsd: 10 });
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  const spend = (run: string, costUsd: number) => {
    const usage = { costUsd, inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheCreationTokens: 0, turns: 1, seconds: 1 };
    return voyage.calls.answer("usage", ship.caller, { requestId: run, incarnation: "vm-ship-0", run, session: run, usage });
  };
  await spend("a", 7.9);
  await look();
  expect(there.told()).toEqual([]);
  await spend("b", 0.2);
  await look();
  await spend("c", 2);
  await look();
  // A voyage that is paused tells that in the first place; its budget is spent all the same.
  await voyage.pause();
  await look();
  await voyage.resume();
  await voyage.register({ stack: "v", plan, hand: "claude", timing: TIMING, budgetUsd: 20 });
  await look();
  expect(there.told()).toEqual(["budget-low opened", "budget-spent opened", "budget-spent resolved"]);
});

test("a receiver can check the signature by the recipe of the page", async () => {
  const there = await receiver();
  const secret = "0123456789abcdef";
  await notify([{ url: there.url, secret }]);
  await blockTask();
  await look();
  const { headers, body } = there.got[0]!;
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["ocaptain-signature"]))!;
  expect(Number(t)).toBe(Math.floor(clock.wallMs() / 1000));
  expect(v1).toBe(createHmac("sha256", secret).update(`${t}.${body}`).digest("hex"));
});

test("errors and cut connections are tried three times; what fails is in the status by the origin of its URL alone, until one succeeds", async () => {
  let answer = (_: IncomingMessage, response: ServerResponse, nth: number) => {
    if (nth % 2) response.writeHead(500).end("s3cr3t");
    else response.destroy();
  };
  const there = await receiver((request, response, nth) => answer(request, response, nth));
  await notify([{ url: there.url }]);
  await blockTask();
  await look();
  expect(there.got).toHaveLength(3);
  expect(new Set(there.notices().map(({ id }) => id)).size).toBe(1);
  const { origin } = new URL(there.url);
  expect(voyage.status().unreached).toEqual([{ target: `notify[0] (${origin})`, why: "it answers 500", at: expect.any(String) }]);
  expect(logged).toContain("notice-failed");
  answer = (_, response) => {
    response.writeHead(204).end();
  };
  await voyage.retry("1");
  await look();
  expect(voyage.status().unreached).toBeUndefined();
  expect(JSON.stringify(notices.newest())).not.toContain("s3cr3t");
});

test("a receiver that hangs, and one that never ends its answer, hold up neither another target nor the voyage", async () => {
  const hangs = await receiver(() => {});
  const huge = await receiver((_, response) => {
    response.writeHead(200);
    const more = setInterval(() => response.write("x".repeat(65_536)), 1);
    response.on("close", () => clearInterval(more));
  });
  const there = await receiver();
  await notify([{ url: hangs.url }, { url: huge.url }, { url: there.url }], { tryMs: 300, waitsMs: [1] });
  const ship = await blockTask();
  await notices.look();
  await until("the notice at the others", () => there.got.length === 1 && huge.got.length === 1, 5_000);
  expect((await ship.claim()).kind).toBe("grant");
  await settled();
  expect(notices.newest().targets.map(({ last }) => last!.error)).toEqual(["no answer in time", null, null]);
  expect(hangs.got).toHaveLength(2);
});

test("a redirect is not followed, since what is secret would go along", async () => {
  const elsewhere = await receiver();
  const there = await receiver((_, response) => response.writeHead(307, { location: elsewhere.url }).end());
  await notify([{ url: there.url }]);
  await blockTask();
  await look();
  expect(elsewhere.got).toEqual([]);
  expect(voyage.status().unreached![0]!.why).toBe("it answers with a redirect (307), which is not followed");
});

test("a helm that dies while it sends sends once more, with the same id", async () => {
  let isDead = true;
  const there = await receiver((_, response) => {
    if (!isDead) response.writeHead(204).end();
  });
  await notify([{ url: there.url }]);
  await blockTask();
  await notices.look();
  await until("the first try", () => there.got.length === 1);
  notices.close();
  voyage.ledger.close();
  isDead = false;
  await openVoyage();
  await notify([{ url: there.url }]);
  await settled();
  expect(there.notices().map(({ id }) => id)).toEqual(["abc123-1-opened", "abc123-1-opened"]);
});

test("a command gets the notice in variables, and no text of it is run; its own line is in no argv", async () => {
  const out = join(scratch.folder, "out");
  const command = `{ printf '%s|' "$NOTICE_EVENT" "$NOTICE_STATE" "$STACK" "$NOTICE_MESSAGE"; tr '\\0' ' ' < /proc/$$/cmdline; } > ${out}; : s3cr3t`;
  await notify([{ command }]);
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  const { task, epoch } = await ship.grant();
  const reason = `$(touch ${out}.x) \`touch ${out}.x\` "; touch ${out}.x; #`;
  await voyage.calls.answer("release", ship.caller, {
    requestId: "r",
    incarnation: "vm-ship-0",
    task: task.id,
    epoch,
    reason,
    failed: true,
  });
  await look();
  expect(readFileSync(out, "utf8")).toBe(
    `task-blocked|opened|v|task 1 (Task 1) is blocked after 1 try: ${reason}|/bin/sh -c eval "$NOTICE_COMMAND" `,
  );
  expect(existsSync(`${out}.x`)).toBe(false);
});

test("a command that fails, or does not end, is a try in vain; what it leaves running is killed with it", async () => {
  const pid = join(scratch.folder, "pid");
  await notify(
    [
      { command: `echo "curl: https://ann:s3cr3t@example.com/s3cr3t?x is away" >&2; exit 7` },
      { command: `echo $$ > ${pid}; sleep 60` },
    ],
    {
      tryMs: 400,
      waitsMs: [],
    },
  );
  await blockTask();
  await look();
  expect(notices.newest().targets.map(({ last }) => last!.error)).toEqual([
    "its exit status is 7",
    "it did not end in time, and was killed",
  ]);
  await until("the end of all that it had started", () => !isThere(-Number(readFileSync(pid, "utf8"))));
  const { targets } = await notices.test("verified");
  expect(targets[0]).toMatchObject({ ok: false, status: 7, tries: 3, said: "curl: https://example.com/… is away" });
});

test("a test goes to every target, whatever it is told of otherwise, and leaves no trace in the queues", async () => {
  const there = await receiver();
  const gone = await receiver((_, response) => response.writeHead(404).end());
  await notify([{ url: there.url, events: ["verified"] }, { url: gone.url }]);
  const { targets } = await notices.test("task-asked");
  expect(targets).toMatchObject([
    { ok: true, status: 204, tries: 1, wants: false, error: null },
    { ok: false, status: 404, tries: 3, wants: true, error: "it answers 404" },
  ]);
  expect(there.notices()[0]).toMatchObject({ state: "test", event: "task-asked" });
  expect(notices.newest().notices).toEqual([]);
});

test("the end of the voyage ends what is open, and waits for that to be sent", async () => {
  const there = await receiver();
  await notify([{ url: there.url }]);
  await blockTask();
  await look();
  await notices.end();
  expect(there.told()).toEqual(["task-blocked opened", "task-blocked resolved"]);
});

test("targets that are kept keep what waits for them, also in another order; what is secret is in their file alone, of mode 0600", async () => {
  const file = join(scratch.folder, "notify.json");
  const one = { url: "http://127.0.0.1:9/one" };
  const two = { command: "true" };
  const [first, second] = await keepTargets(file, [one, two]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const moved = await keepTargets(file, [two, { ...one, events: ["verified"] }, one]);
  expect(moved.map(({ id }) => id)).toEqual([second!.id, first!.id, expect.not.stringMatching(`${first!.id}|${second!.id}`)]);
  await keepTargets(file, []);
  expect(existsSync(file)).toBe(false);
});
