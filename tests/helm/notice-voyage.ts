import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach } from "vitest";
import { Notices, type NoticesParts } from "../../helm/notices/notices.ts";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import type { Notice } from "../../lib/notices/events.ts";
import { keepTargets } from "../../lib/notices/kept-targets.ts";
import type { NoticeTarget } from "../../lib/notices/targets.ts";
import { until } from "../support/until.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage, scratchFolder } from "./paper.ts";

/** A voyage of the test's own for each test, with its notices, and what a receiver on this machine gets of them. */

export const TIMING = { leaseSeconds: 120, heartbeatSeconds: 10, fenceSeconds: 90, lingerSeconds: 8 };
type Got = { headers: IncomingHttpHeaders; body: string };

export let scratch: ReturnType<typeof scratchFolder>;
export let clock: HandClock;
export let voyage: Voyage;
export let notices: Notices;
export let logged: string[];
const closes: (() => void)[] = [];
beforeEach(async () => {
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

export async function openVoyage() {
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
export async function receiver(
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

/** Sets the targets, as a registration does, and opens the notices of the voyage. */
export async function notify(targets: NoticeTarget[], more: Partial<NoticesParts> = {}) {
  notices?.close();
  notices = new Notices({
    context: voyage.context,
    workspace: join(scratch.folder, "workspace"),
    targets: await keepTargets(join(scratch.folder, "notify.json"), targets),
    waitsMs: [1, 1],
    ...more,
  });
  await notices.look();
}

/** Waits until nothing waits any more for any target. */
export const settled = () => until("empty queues", () => notices.newest().targets.every(({ waiting }) => waiting === 0), 10_000);
export async function look() {
  await notices.look();
  await settled();
}

/** A ship takes a task and fails in it, so that it is blocked. */
export async function blockTask(name = "ship-0") {
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
