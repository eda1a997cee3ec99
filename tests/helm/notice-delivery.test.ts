import { createHmac } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepTargets } from "../../lib/notices/kept-targets.ts";
import { until } from "../support/until.ts";
import {
  blockTask,
  clock,
  logged,
  look,
  notices,
  notify,
  openVoyage,
  receiver,
  scratch,
  settled,
  voyage,
} from "./notice-voyage.ts";
import { boardPaperShip } from "./paper.ts";

/** How a notice comes to its target, or does not. */

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

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
